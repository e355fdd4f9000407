"""A network that is closed but for what the user allows."""

import socket
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

_INTERNET = (socket.AF_INET, socket.AF_INET6)


class NetworkClosed(ConnectionRefusedError):
    """The function may not reach this host. It is an OSError, so the function meets a refused connection."""


class ClosedNetwork:
    """
    Refuses, between `resume` and `suspend`, whatever Python code sends to the internet or to this machine's own ports.

    AWS calls need no network: moto answers them inside botocore. Sockets between processes (AF_UNIX, `socketpair`)
    stay open, as asyncio needs them. Code that is not Python, and child processes, are not held back.

    A process that cannot import `replay` loads this module by its file: it imports the standard library only.
    """

    def __init__(self, function_name: str, allow_hosts: Sequence[str], aws_suffixes: Sequence[str]) -> None:
        """*aws_suffixes* are what the names of AWS's own endpoints end in."""
        self._function_name = function_name
        self._aws_suffixes = tuple(aws_suffixes)
        self._patterns = [host.lower() for host in allow_hosts]
        self._resolved: set[str] = set()
        self._before: list[tuple[Any, str, Any]] = []

    def resume(self) -> None:
        """Close the network."""
        sockets = next(kind for kind in socket.socket.__mro__ if kind.__module__ == "socket")
        for name, address_at in (("connect", 0), ("connect_ex", 0), ("sendto", -1), ("sendmsg", 3)):
            self._put(sockets, name, _guarded_method(getattr(sockets, name), self._check_address, address_at))
        self._put(socket, "getaddrinfo", partial(self._getaddrinfo, socket.getaddrinfo))
        for name in ("gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
            self._put(socket, name, partial(self._lookup, getattr(socket, name)))

    def suspend(self) -> None:
        """Put back what was there before."""
        while self._before:
            owner, name, original = self._before.pop()
            if original is None:
                delattr(owner, name)
            else:
                setattr(owner, name, original)

    def _put(self, owner: Any, name: str, guarded: Any) -> None:
        self._before.append((owner, name, vars(owner).get(name)))
        setattr(owner, name, guarded)

    def _check_address(self, family: int, address: Any) -> None:
        if family in _INTERNET and isinstance(address, tuple) and len(address) > 1:
            self._check(_text(address[0]), address[1])

    def _check(self, host: str, port: object) -> None:
        if host in self._resolved or any(fnmatchcase(host.lower(), pattern) for pattern in self._patterns):
            return
        place = f"{host}:{port}" if port else host
        advice = self._advice(host)
        raise NetworkClosed(f"closed during a replay: {self._function_name} tried to reach {place}; {advice}")

    def _advice(self, host: str) -> str:
        if host.lower().rstrip(".").endswith(self._aws_suffixes):
            return "an AWS client that was made before the replay, or by an unusual library, is not mocked"
        return f'to let it, set allow_hosts = ["{host}"] for this function'

    def _getaddrinfo(self, original: Callable[..., list[Any]], host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if not host or _is_address(_text(host)):
            return original(host, port, *args, **kwargs)
        self._check(_text(host), port)
        found = original(host, port, *args, **kwargs)
        self._resolved.update(_text(entry[4][0]) for entry in found)
        return found

    def _lookup(self, original: Callable[[Any], Any], host: Any) -> Any:
        if host != socket.gethostname():
            self._check(_text(host), None)
        found = original(host)
        self._resolved.update([found] if isinstance(found, str) else found[2])
        return found


def _guarded_method(original: Any, check: Callable[[int, Any], None], address_at: int) -> Any:
    def guarded(self: socket.socket, *args: Any) -> Any:
        if len(args) > address_at:
            check(self.family, args[address_at])
        return original(self, *args)

    return guarded


def _text(host: Any) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host)


def _is_address(host: str) -> bool:
    for family in _INTERNET:
        try:
            socket.inet_pton(family, host.partition("%")[0])
        except OSError:
            continue
        return True
    return False
