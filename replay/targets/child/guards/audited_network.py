"""
The rules of a closed network, for the audit hook in a function's Python process.

They are those of the function that runs in our own process: the same hosts are let through, and the others are refused
with the same error.
"""

import importlib.machinery
import os
import socket
import threading
from pathlib import Path
from types import ModuleType
from typing import Any


def _closed_network() -> Any:
    """Load the rules by their file: the process need not be able to import `replay`."""
    name = "_replay_closed_network"
    module = ModuleType(name)
    file = Path(__file__).parents[2] / "in_process" / "closed_network.py"
    importlib.machinery.SourceFileLoader(name, str(file)).exec_module(module)
    function_name, allowed, aws = (
        os.environ[name] for name in ("AWS_LAMBDA_FUNCTION_NAME", "REPLAY_ALLOW_HOSTS", "REPLAY_AWS_SUFFIXES")
    )
    return module.ClosedNetwork(function_name, allowed.split(), aws.split())


_rules = _closed_network()
_open_addresses = {("127.0.0.1", int(port)) for port in os.environ["REPLAY_OPEN_PORTS"].split()}
_looking_up = threading.local()


def check(event: str, args: tuple[Any, ...]) -> None:
    """
    Let an audited event pass, or not.

    Raises:
        NetworkClosed: The host may not be reached.
    """
    if getattr(_looking_up, "is_ours", False):
        return
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        connection, address = args
        if not (isinstance(address, tuple) and address[:2] in _open_addresses):
            _rules._check_address(connection.family, address)  # noqa: SLF001 - the same rules, in another process
    elif event != "socket.getaddrinfo":
        _check_name(_text(args[0]), None)
    elif not _is_address(_text(args[0])):
        _check_name(_text(args[0]), args[1])


def _check_name(name: str, port: Any) -> None:
    """Check a name, and let the addresses pass that it stands for where it is allowed."""
    if not name or name == socket.gethostname():
        return
    _rules._check(name, port)  # noqa: SLF001 - the same
    _looking_up.is_ours = True
    try:
        found = socket.getaddrinfo(name, None)
    except OSError:
        return  # the function's own look-up meets the same
    finally:
        _looking_up.is_ours = False
    _rules._resolved.update(str(entry[4][0]) for entry in found)  # noqa: SLF001 - the same


def _text(host: Any) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host or "")


def _is_address(name: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, name.partition("%")[0])
        except OSError:
            continue
        return True
    return False
