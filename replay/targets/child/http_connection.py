"""As much of HTTP/1.1 as runtime clients speak, on a connection that never blocks."""

import selectors
import socket
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple

MAXIMUM_HEAD_BYTES = 2 * 1024 * 1024
"""Runtime clients send traces of up to 1 MiB in a header."""

_READ_BYTES = 256 * 1024
_LINE_END = b"\r\n"
_HEAD_END = b"\r\n\r\n"


class Request(NamedTuple):
    """One request; `size` is the whole body's, of which `body` keeps what was asked for."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    size: int


class _BadRequest(Exception):
    """The bytes are not HTTP as we know it."""


class _Body:
    """The body of one request, of which the first *keep* bytes are kept."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self.kept = bytearray()
        self.size = 0

    def add(self, data: bytearray) -> None:
        self.kept += data[: max(self._keep - len(self.kept), 0)]
        self.size += len(data)


class HttpConnection:
    """
    One connection of the function's process: each request is handed to *handle*, whose answer goes out by `respond`.

    It registers itself with *selector*, whose keys carry the callable to call. A request is answered when that suits,
    and the next one is read only after that.
    """

    def __init__(
        self,
        connection: socket.socket,
        selector: selectors.BaseSelector,
        handle: Callable[["HttpConnection", Request], None],
        *,
        keep_body_bytes: int,
    ) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        self._selector = selector
        self._handle = handle
        self._keep = keep_body_bytes
        self._incoming = bytearray()
        self._outgoing = bytearray()
        self._head: tuple[str, str, dict[str, str]] | None = None
        self._body = _Body(keep_body_bytes)
        self._left: int | None = 0
        self._chunk_left = 0
        self._is_answering = False
        self._closes = False
        self.is_open = True
        selector.register(connection, selectors.EVENT_READ, self._ready)

    def respond(self, status: HTTPStatus, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Answer the request that was handed over last."""
        if not self.is_open:
            return
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", f"Content-Length: {len(body)}"]
        # A line break in a value would end the header: request ids and names can come from captured data.
        lines += [f"{name}: {' '.join(value.splitlines())}" for name, value in (headers or {}).items()]
        self._outgoing += ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace") + body
        self._is_answering = False
        self._write()

    def close(self) -> None:
        """Close the connection, whatever was still to be said."""
        if self.is_open:
            self.is_open = False
            self._selector.unregister(self._connection)
            self._connection.close()

    def _ready(self) -> None:
        if self._outgoing:
            self._write()
        try:
            data = self._connection.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._incoming += data
        if self._is_answering and len(self._incoming) > MAXIMUM_HEAD_BYTES:
            self.close()  # it talks on without waiting for answers
        self._read()

    def _read(self) -> None:
        try:
            while self.is_open and not self._is_answering and self._take_request():
                pass
        except (_BadRequest, ValueError):
            self._closes = True
            self.respond(HTTPStatus.BAD_REQUEST, b"")

    def _take_request(self) -> bool:
        """Take as much of a request as is there, and hand it over when it is whole."""
        if self._head is None and not self._take_head():
            return False
        whole = self._take_chunks() if self._left is None else self._take_bytes()
        if not whole or self._head is None:
            return False
        (method, path, headers), body = self._head, self._body
        self._head, self._body = None, _Body(self._keep)
        self._is_answering = True
        self._closes = headers.get("connection", "").lower() == "close"
        self._handle(self, Request(method, path, headers, bytes(body.kept), body.size))
        return True

    def _take_head(self) -> bool:
        end = self._incoming.find(_HEAD_END)
        if end < 0:
            if len(self._incoming) > MAXIMUM_HEAD_BYTES:
                raise _BadRequest
            return False
        first, *rest = self._incoming[:end].decode("latin-1").split("\r\n")
        del self._incoming[: end + len(_HEAD_END)]
        method, path, _ = first.split(" ", 2)
        fields = (line.partition(":") for line in rest)
        headers = {name.strip().lower(): value.strip() for name, _, value in fields}
        self._head = (method, path, headers)
        is_chunked = headers.get("transfer-encoding", "").lower().endswith("chunked")
        self._left = None if is_chunked else int(headers.get("content-length", "0"))
        if headers.get("expect", "").lower() == "100-continue":
            self._outgoing += b"HTTP/1.1 100 Continue\r\n\r\n"
            self._write()
        return True

    def _take_bytes(self) -> bool:
        assert self._left is not None
        taken = self._incoming[: self._left]
        del self._incoming[: len(taken)]
        self._body.add(taken)
        self._left -= len(taken)
        return self._left == 0

    def _take_chunks(self) -> bool:
        while True:
            if self._chunk_left:
                taken = self._incoming[: self._chunk_left]
                del self._incoming[: len(taken)]
                self._body.add(taken)
                self._chunk_left -= len(taken)
                if self._chunk_left:
                    return False
            # The line end after a chunk, where there is one, then the size of the next chunk.
            start = len(_LINE_END) if self._incoming.startswith(_LINE_END) else 0
            line_end = self._incoming.find(_LINE_END, start)
            if line_end < 0:
                return False
            self._chunk_left = int(self._incoming[start:line_end].partition(b";")[0], 16)
            if self._chunk_left == 0:
                return self._take_trailers(line_end + len(_LINE_END))
            del self._incoming[: line_end + len(_LINE_END)]

    def _take_trailers(self, start: int) -> bool:
        """Take what follows the last chunk: lines like headers, where a stream says if it failed, and an empty one."""
        assert self._head is not None
        while True:
            line_end = self._incoming.find(_LINE_END, start)
            if line_end < 0:
                return False
            line = self._incoming[start:line_end].decode("latin-1")
            start = line_end + len(_LINE_END)
            if not line:
                del self._incoming[:start]
                return True
            name, _, value = line.partition(":")
            self._head[2][name.strip().lower()] = value.strip()

    def _write(self) -> None:
        try:
            while self._outgoing:
                del self._outgoing[: self._connection.send(self._outgoing)]
        except BlockingIOError:
            pass  # the rest goes out when there is room
        except OSError:
            self.close()
            return
        if self._closes and not self._outgoing and not self._is_answering:
            self.close()
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._outgoing else 0)
        if events != self._selector.get_key(self._connection).events:
            self._selector.modify(self._connection, events, self._ready)
