"""
Imports one handler, as a program of its own: `doctor` reads from its stdout what came of it, as one JSON object.

It runs on a mocked AWS, after the function's `setup`, without credentials and with closed sockets. The function comes
pickled on stdin, from the process that started this one.
"""

import json
import os
import pickle
import sys
from pathlib import Path
from typing import Any

from replay.errors import ReplayError
from replay.functions.function import Function
from replay.targets.in_process.code_map import CodeMap
from replay.targets.in_process.exception_report import raised_failure
from replay.targets.in_process.handler_import import import_handler
from replay.targets.in_process.own_modules import import_roots, vendored_names
from replay.targets.in_process.runtime_faults import RuntimeFault
from replay.targets.local import LocalTarget


def main() -> None:
    """Import the handler of the function on stdin, and say on stdout how it failed: nothing where it did not."""
    function, project = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as told:
        os.dup2(2, 1)  # what the function prints while it is imported is no answer of ours
        json.dump(_probe(function, project), told)
        told.flush()
        os._exit(0)  # threads that the module has started may not keep us


def _probe(function: Function, project: Path) -> dict[str, str]:
    code, layers = function.code.absolute(), tuple(layer.absolute() for layer in function.layers)
    roots = import_roots(code, layers, function.runtime)
    code_map = CodeMap(roots, vendored_names(roots))
    try:
        with LocalTarget(function, project=project) as target:
            target.begin()
            os.chdir(code)
            try:
                import_handler(function, roots, code_map)
            except RuntimeFault as fault:
                return _failed(fault.error_type, fault.message, fault.frames, fault.__cause__, code_map)
    except ReplayError as error:
        return {"what": error.what, "where": error.where, "hint": error.hint or error.expected}
    except BaseException as error:  # noqa: BLE001 - also SystemExit: a module may raise anything
        failure = raised_failure(error, code_map, "")
        return _failed(failure.error_type, failure.message, failure.frames, None, code_map)
    return {}


def _failed(
    error_type: str, message: str, frames: Any, cause: BaseException | None, code_map: CodeMap
) -> dict[str, str]:
    if not frames and cause is not None:
        frames = raised_failure(cause, code_map, "").frames
    own = [frame for frame in frames if frame.owner == "user"]
    where = f"{own[-1].module}:{own[-1].line}" if own else ""
    return {"error": f"{error_type}: {message}", "where": where}
