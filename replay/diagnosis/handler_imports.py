"""Whether handlers can be imported: each is, in a process of its own that is ended when it takes too long."""

import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from replay.diagnosis.finding import Finding
from replay.functions.function import Function

_INIT_LIMIT_S = 10
"""Source: Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle"."""

_STARTING_S = 20
"""What our own imports, the mocked AWS and `setup` may take beside."""

_AT_ONCE = 4
_PROGRAM = "import sys; sys.path.append(sys.argv[1]); from replay.diagnosis.handler_probe import main; main()"
_PACKAGE_FOLDER = str(Path(__file__).parents[2])
_CHECK = "functions"


def import_handlers(functions: Iterable[Function], *, project: Path) -> Iterator[tuple[Function, Finding | None]]:
    """Import the handler of each Python function, several at once; give them in order with what went wrong."""
    wanted = list(functions)
    with ThreadPoolExecutor(max_workers=min(_AT_ONCE, os.cpu_count() or 1)) as pool:
        yield from zip(wanted, pool.map(lambda function: _import_handler(function, project), wanted), strict=True)


def _import_handler(function: Function, project: Path) -> Finding | None:
    limit_s = max(function.timeout_s, _INIT_LIMIT_S) + _STARTING_S
    child = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-B", "-P", "-c", _PROGRAM, _PACKAGE_FOLDER],
        cwd=project,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        answer, _ = child.communicate(pickle.dumps((function, project)), timeout=limit_s)
    except subprocess.TimeoutExpired:
        return _problem(
            function,
            f"cannot be imported: it took longer than {limit_s:g} s",
            "look for what it waits for while it is imported: Lambda gives it 10 s",
        )
    finally:
        _end(child)
    if not answer:
        return _problem(
            function,
            f"cannot be imported: it ends its process (exit code {child.returncode})",
            "look for os._exit, a signal or a crashing native library in what it imports",
        )
    return _finding(function, json.loads(answer))


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Leave nothing that the module has started."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        child.kill()
    child.communicate()


def _finding(function: Function, answer: dict[str, str]) -> Finding | None:
    where = f" ({answer['where']})" if answer.get("where") else ""
    if "error" in answer:
        hint = f"mend {answer['where']}" if answer.get("where") else f"look at {function.handler} in {function.code}"
        return _problem(function, f"cannot be imported: {answer['error']}{where}", hint)
    if "what" in answer:
        return Finding(check=_CHECK, level="problem", what=f"{answer['what']}{where}", hint=answer["hint"])
    return None


def _problem(function: Function, what: str, hint: str) -> Finding:
    return Finding(
        check=_CHECK, level="problem", what=f"{function.name}: the handler {function.handler} {what}", hint=hint
    )
