"""What the emulators need installed: built once, kept in a cache folder, rebuilt when its pins change."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[2]
# Where pip finds packages is the machine's business (index, certificate, proxy); where it puts them is ours.
_PIP_PLACES = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_REQUIRE_VIRTUALENV", "PIP_CONSTRAINT")
_SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_INSTALLED_WITHIN_S = 600
_PYTHON_PLACES = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


class EnvironmentCannotBeBuilt(Exception):
    """The emulator cannot be installed on this machine; the message says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """
    What one emulator needs installed.

    Args:
        name: Folder name in the cache.
        requirements: As pip takes them.
        python: The one `major.minor` that it runs on, or None for the interpreter that runs the tests.
    """

    name: str
    requirements: tuple[str, ...]
    python: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePackages:
    """Packages of npm, each with its version, and the folder in the cache that has them in its `node_modules`."""

    name: str
    packages: tuple[str, ...]


def cache_folder() -> Path:
    """Where the environments are kept: `REPLAY_EMULATOR_HOME`, or `.venv-emulators` in the project."""
    return Path(os.environ.get("REPLAY_EMULATOR_HOME") or _PROJECT / ".venv-emulators").resolve()


def install(environment: Environment) -> Path:
    """
    Give the environment's interpreter, building the environment first when it is not there.

    Raises:
        EnvironmentCannotBeBuilt: No fitting Python, or pip failed; with the end of pip's log.
    """
    folder = cache_folder() / environment.name
    interpreter = folder / "bin" / "python"
    stamp = folder / ".installed"
    base = find_python(environment)
    wanted = "\n".join([base, *environment.requirements])
    with _locked(folder.parent / f"{environment.name}.lock"):
        if stamp.exists() and stamp.read_text() == wanted:
            return interpreter
        shutil.rmtree(folder, ignore_errors=True)
        log = folder.parent / f"{environment.name}.log"
        log.write_text("")
        _run([base, "-m", "venv", str(folder)], log, environment.name)
        _run([str(interpreter), "-m", "pip", "install", *environment.requirements], log, environment.name)
        stamp.write_text(wanted)
    return interpreter


def install_packages(wanted: NodePackages) -> Path:
    """
    Give the folder whose `node_modules` has the packages, installing them first when they are not there.

    Raises:
        EnvironmentCannotBeBuilt: There is no npm, or it failed; with the end of its log.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise EnvironmentCannotBeBuilt(f"{wanted.name} needs npm, and there is none on the PATH")
    folder = cache_folder() / wanted.name
    stamp = folder / ".installed"
    with _locked(folder.parent / f"{wanted.name}.lock"):
        if stamp.exists() and stamp.read_text() == "\n".join(wanted.packages):
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "package.json").write_text('{"private": true}')
        log = folder.parent / f"{wanted.name}.log"
        log.write_text("")
        _run([npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", *wanted.packages], log, wanted.name)
        stamp.write_text("\n".join(wanted.packages))
    return folder


def find_python(environment: Environment) -> str:
    """
    Find an interpreter of the version that the environment needs: on the PATH, else among pyenv's versions.

    Each candidate is asked for its version, since a pyenv shim stands on the PATH also for versions not active.
    """
    if environment.python is None:
        return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")
    on_path = shutil.which(f"python{environment.python}")
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    beside_ours = Path(sys.base_prefix).parent  # pyenv's folder too, where the environment does not tell it
    candidates = [on_path] if on_path else []
    for versions in (pyenv, beside_ours):
        candidates += [str(python) for python in sorted(versions.glob(f"{environment.python}*/bin/python"))]
    for candidate in candidates:
        if _version(candidate) == environment.python:
            return candidate
    raise EnvironmentCannotBeBuilt(
        f"{environment.name} runs on Python {environment.python} only, and there is none here: "
        f"no working python{environment.python} on the PATH, no {environment.python}.* in {pyenv}.\n"
        f"Install one (`pyenv install {environment.python}`, or your system's python{environment.python} and "
        f"python{environment.python}-venv packages) and run this again."
    )


def _version(interpreter: str) -> str:
    question = "import sys; print('%d.%d' % sys.version_info[:2])"
    answer = subprocess.run([interpreter, "-c", question], capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def _run(command: list[str], log: Path, name: str) -> None:
    surroundings = {key: value for key, value in os.environ.items() if key not in _PIP_PLACES + _PYTHON_PLACES}
    if _SYSTEM_CERTIFICATES.is_file():  # npm knows its own only, not those that a company's proxy signs with
        surroundings.setdefault("NODE_EXTRA_CA_CERTS", str(_SYSTEM_CERTIFICATES))
    if node_home := _home_of_node_headers():  # those of the system need no download from nodejs.org
        surroundings.setdefault("npm_config_nodedir", str(node_home))
    try:
        with log.open("a") as output:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=surroundings,
                check=False,
                timeout=_INSTALLED_WITHIN_S,
            )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentCannotBeBuilt(
            f"{name} was not installed within {_INSTALLED_WITHIN_S} s: {' '.join(command)}\n{log_tail(log)}"
        ) from error
    if done.returncode:
        raise EnvironmentCannotBeBuilt(
            f"{name} cannot be installed: {' '.join(command)}\n{log_tail(log)}\nThe whole log: {log}"
        )


def _home_of_node_headers() -> Path | None:
    """Find the folder below which the headers of the Node on the PATH lie, if they are installed."""
    node = shutil.which("node")
    home = Path(node).resolve().parents[1] if node else None
    return home if home and (home / "include" / "node" / "node_api.h").is_file() else None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process build at a time: xdist's workers and a background install may meet here."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def log_tail(log: Path, lines: int = 40) -> str:
    """The last lines of a log, indented for a message."""
    if not log.exists():
        return "    (no log)"
    return "\n".join(f"    {line}" for line in log.read_text(errors="replace").splitlines()[-lines:])
