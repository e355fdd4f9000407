"""The user's `setup`, run in the function's own process, so that what it stubs is stubbed for the function."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from replay.errors import TargetError
from replay.functions.function import Function
from replay.targets.in_process.setup_function import SetupFunction

_NO_MORE_EVENTS = "Failed to get next"
"""How the client takes it that its question for another event is answered with 410."""


def run_with_setup(serve: Callable[[], None]) -> None:
    """Run `setup`, say how that went, *serve* until no more events come, and end a `setup` that wraps."""
    setup = SetupFunction(
        Function(
            name=os.environ["AWS_LAMBDA_FUNCTION_NAME"],
            handler=os.environ["_HANDLER"],
            code=Path(os.environ["LAMBDA_TASK_ROOT"]),
            setup=os.environ["REPLAY_SETUP"],
        )
    )
    _told(setup.run)
    _tell({"wraps": setup.wraps})
    try:
        serve()
    except Exception as error:  # the client's errors are of several types
        if _NO_MORE_EVENTS not in str(error):
            raise
    finally:
        _told(setup.close)


def _told(step: Callable[[], None]) -> None:
    try:
        step()
    except TargetError as error:
        _tell({"what": error.what, "where": error.where, "expected": error.expected, "hint": error.hint})
        raise SystemExit(1) from None


def _tell(report: dict[str, Any]) -> None:
    """Speak HTTP by hand: `setup` may have stubbed every library that does."""
    host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
    body = json.dumps(report).encode()
    head = f"POST /replay/setup HTTP/1.1\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + body)
        while connection.recv(1024):
            pass
