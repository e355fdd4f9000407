"""The story that the demo tells, step by step, with the commands that a user would type."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from replay.demonstration.embedded_aws import embedded_aws, poison_queue
from replay.errors import ConfigurationError, ReplayError
from replay.payloads.exact_json import Json

_MARK = ".replay-demo"
_CONFIGURATION = """\
[tool.replay]
fixtures = "fixtures"
template = "template.yaml"

[tool.pytest.ini_options]  # pytest's root is here, also inside another project
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the demo: what is said, the command that was run (or none), its output and exit code."""

    said: str
    command: tuple[str, ...] = ()
    output: str = ""
    exit_code: int = 0


def demo(folder: Path, *, color: bool = False) -> Iterator[Step]:
    """
    Poison a queue of the example service, record, list and replay it, apply the fix, and replay it again.

    Args:
        folder: Made anew; the service, its fixtures and its fix stay there for the user.

    Raises:
        ConfigurationError: *folder* holds something that is not a former demo.
        ReplayError: A step did not end as it must.
    """
    service = _example_service()
    _prepare(folder, service)
    with embedded_aws() as environment:
        count = poison_queue(
            environment, service / "poison_messages.json", queue="orders", dead_letter_queue="orders-dlq"
        )
        yield Step(said=f"A queue on an embedded AWS: `orders` has failed {count} messages into `orders-dlq`.")
        step = _Shell(folder, environment, color=color).run
        yield step(
            "Pull them out: redacted, nothing consumed.",
            "record", "sqs", "--queue", "orders-dlq", "--function", "orders",
        )  # fmt: skip
        yield step("What we have now, in ./fixtures, ready for git:", "list")
        yield step("The same failures, here, as Lambda would meet them:", "run")
        shutil.copytree(folder / "fixed", folder / "src", dirs_exist_ok=True)
        yield Step(said="Someone fixes the function:", command=("cp", "fixed/*", "src/"))
        yield step("Replay sees it, and asks for your word:", "run", expected=1)
        yield step("", "expect", "*", "succeeds")
        yield step("From now on this is a regression suite:", "run")


class _Shell:
    """Runs our own command line as a user would: in the demo's folder, against the embedded AWS."""

    def __init__(self, folder: Path, environment: dict[str, str], *, color: bool) -> None:
        self._folder = folder
        self._environment = {**environment, **({"REPLAY_COLOR": "1"} if color else {})}

    def run(self, said: str, *arguments: str, expected: int = 0) -> Step:
        done = subprocess.run(  # noqa: S603 - our own command line
            [sys.executable, "-m", "replay.cli.main", *arguments],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        if done.returncode != expected:
            raise ReplayError(
                f"the demo's `replay {' '.join(arguments)}` ended with exit code {done.returncode}, not {expected}",
                where=str(self._folder),
                hint=f"its output was:\n{done.stdout}",
            )
        return Step(said=said, command=("replay", *arguments), output=done.stdout, exit_code=done.returncode)


def _example_service() -> Path:
    """Find the example service: in the wheel beside this file, in a checkout under examples/."""
    for place in (Path(__file__).parent / "orders", Path(__file__).parents[2] / "examples" / "orders"):
        if (place / "template.yaml").is_file():
            return place
    raise ConfigurationError(
        "the example service is missing from this installation",
        where=str(Path(__file__).parent),
        hint="reinstall event-replay",
    )


def _prepare(folder: Path, service: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).is_file():
        raise ConfigurationError(
            "the demo's folder is in use",
            where=str(folder),
            expected="a folder that does not exist yet",
            hint="--folder DIR",
        )
    try:
        _write(folder, service)
    except OSError as error:
        raise ConfigurationError(
            f"the demo's folder cannot be written: {(error.strerror or type(error).__name__).lower()}",
            where=str(folder),
            hint="change to a folder that can be written, or name one: replay demo --folder DIR",
        ) from error


def _write(folder: Path, service: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / _MARK).write_text("made by `replay demo`, which may remove it\n", encoding="utf-8")
    (folder / "pyproject.toml").write_text(_CONFIGURATION, encoding="utf-8")
    for part in ("src", "fixed"):
        shutil.copytree(service / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(service / "template.yaml", folder / "template.yaml")


def tell(steps: Iterator[Step], echo: Callable[[str], object], *, folder: Path) -> None:
    """Write the steps as a user would see them in a terminal, and where to go on."""
    for number, step in enumerate(steps):
        if number:
            echo("")
        if step.said:
            echo(f"# {step.said}")
        if step.command:
            echo(f"$ {' '.join(_quoted(word) for word in step.command)}")
        if step.output:
            echo(step.output.rstrip())
    echo(f"\n# Yours to try, until the next `replay demo` makes the folder anew:\n{_yours(folder)}")


def documents(steps: Iterator[Step], *, folder: Path) -> Iterator[dict[str, Json]]:
    """Give the steps as documents, and a summary: where the service was left, and the command to try there."""
    told = 0
    for step in steps:
        told += 1
        yield {
            "type": "step",
            "said": step.said,
            "command": list(step.command),
            "exit_code": step.exit_code,
            "output": step.output,
        }
    yield {"type": "summary", "steps": told, "folder": str(folder), "next": _yours(folder)}


def _yours(folder: Path) -> str:
    shown = os.path.relpath(folder) if folder.is_relative_to(Path.cwd()) else str(folder)
    return f"cd {shlex.quote(shown)} && pytest -k replay"


def _quoted(word: str) -> str:
    return f"'{word}'" if word == "*" else word
