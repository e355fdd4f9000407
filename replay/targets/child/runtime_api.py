"""
The Lambda Runtime API: how a function's process asks for events and answers them.

Source: Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes" (version 2018-06-01).
"""

import json
import selectors
import socket
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Literal, NamedTuple

from replay.delivery.python_answers import MAXIMUM_RESPONSE_BYTES
from replay.targets.child.http_connection import HttpConnection, Request

_ROOT = "/2018-06-01/runtime/"
_ERROR_TYPE = "lambda-runtime-function-error-type"
_SETUP = "/replay/setup"
_ACCEPTED = b'{"status":"OK"}'


class Answer(NamedTuple):
    """
    What the function's process answered.

    `init_error` comes in the place of its first question for an event. `error_type` is that of the header, which
    matters where the body tells none.
    """

    kind: Literal["response", "error", "init_error", "too_large"]
    body: bytes
    error_type: str = ""


class RuntimeApi:
    """
    Serves one function's process on *listener*, without a thread: who waits on *selector* calls what its keys carry.

    Several connections are served, since a simple client makes a new one for each request.

    Args:
        on_setup: Is given what a process reports of the function's `setup`, which is no part of Lambda's API.
    """

    def __init__(
        self, listener: socket.socket, selector: selectors.BaseSelector, on_setup: Callable[[bytes], None]
    ) -> None:
        listener.setblocking(False)
        self._listener = listener
        self._selector = selector
        self._on_setup = on_setup
        self._connections: list[HttpConnection] = []
        self._waiting: HttpConnection | None = None
        self._request_id: str | None = None
        self.answer: Answer | None = None
        selector.register(listener, selectors.EVENT_READ, self._accept)

    @property
    def is_asked(self) -> bool:
        """Whether the process waits for an event."""
        return self._waiting is not None and self._waiting.is_open

    def offer(self, request_id: str, payload: bytes, headers: Mapping[str, str]) -> None:
        """Hand an event to the process that waits for one; its `answer` is then None until it comes."""
        assert self._waiting is not None
        asker, self._waiting = self._waiting, None
        self._request_id = request_id
        self.answer = None
        named = {"Content-Type": "application/json", "Lambda-Runtime-Aws-Request-Id": request_id, **headers}
        asker.respond(HTTPStatus.OK, payload, named)

    def dismiss(self) -> None:
        """Tell the process that waits for an event that there will be none any more."""
        assert self._waiting is not None
        asker, self._waiting = self._waiting, None
        _refuse(asker, HTTPStatus.GONE, "NoMoreEvents", "the replay has ended")

    def forget(self) -> None:
        """Close every connection, as nobody is left at the other end, and be ready for another process."""
        while (connection := self._next_connection()) is not None:
            connection.close()
        for open_connection in self._connections:
            open_connection.close()
        self._connections = []
        self._waiting = self._request_id = self.answer = None

    def close(self) -> None:
        """Serve no more."""
        self.forget()
        self._selector.unregister(self._listener)

    def _accept(self) -> None:
        connection = self._next_connection()
        if connection is not None:
            self._connections = [one for one in self._connections if one.is_open]
            kept = MAXIMUM_RESPONSE_BYTES
            self._connections.append(HttpConnection(connection, self._selector, self._handle, keep_body_bytes=kept))

    def _next_connection(self) -> socket.socket | None:
        try:
            return self._listener.accept()[0]
        except (BlockingIOError, ConnectionError):
            return None

    def _handle(self, connection: HttpConnection, request: Request) -> None:
        if request.path == _SETUP:
            self._on_setup(request.body)
            connection.respond(HTTPStatus.OK, b"")
            return
        if not request.path.startswith(_ROOT):
            _refuse(connection, HTTPStatus.NOT_FOUND, "PageNotFound", f"there is no {request.path[:200]}")
            return
        match (request.method, *request.path.removeprefix(_ROOT).split("/")):
            case "GET", "invocation", "next":
                self._wait(connection)
            case "POST", "invocation", request_id, "response" | "error" as kind:
                self._take_answer(connection, request, request_id, kind)
            case "POST", "init", "error":
                self.answer = Answer("init_error", request.body, request.headers.get(_ERROR_TYPE, ""))
                connection.respond(HTTPStatus.ACCEPTED, _ACCEPTED)
            case _:
                _refuse(connection, HTTPStatus.NOT_FOUND, "PageNotFound", f"there is no {request.path[:200]}")

    def _wait(self, connection: HttpConnection) -> None:
        if self._request_id is not None:
            problem = "the process asks for the next event before it has answered this one"
            _refuse(connection, HTTPStatus.FORBIDDEN, "InvalidStateTransition", problem)
        else:
            self._waiting = connection

    def _take_answer(self, connection: HttpConnection, request: Request, request_id: str, kind: str) -> None:
        if request_id != self._request_id:
            _refuse(connection, HTTPStatus.BAD_REQUEST, "InvalidRequestID", "this event is not to be answered now")
            return
        self._request_id = None
        error_type = request.headers.get(_ERROR_TYPE, "")
        if request.size > MAXIMUM_RESPONSE_BYTES:
            self.answer = Answer("too_large", b"")
            limit = f"Exceeded maximum allowed payload size ({MAXIMUM_RESPONSE_BYTES} bytes)."
            _refuse(connection, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestEntityTooLarge", limit)
            return
        # A streamed response that fails midway says so in a trailer.
        is_error = kind == "error" or bool(error_type)
        self.answer = Answer("error" if is_error else "response", request.body, error_type)
        connection.respond(HTTPStatus.ACCEPTED, _ACCEPTED)


def _refuse(connection: HttpConnection, status: HTTPStatus, error_type: str, message: str) -> None:
    body = json.dumps({"errorType": error_type, "errorMessage": message}).encode()
    connection.respond(status, body, {"Content-Type": "application/json"})
