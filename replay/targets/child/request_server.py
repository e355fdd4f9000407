"""The HTTP server in front of the mocked AWS, which knows of each request that has come in until it is answered."""

import select
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

_POLL_S = 0.002
_MET_WITHIN_S = 10.0
_ANSWERED_WITHIN_S = 1.0
"""A long poll whose caller is gone goes on for 20 s, and nobody needs what it gives."""


class RequestServer(ThreadedWSGIServer):
    """
    Serves *application* on *listener*: one request a connection, each in a thread, as werkzeug has it.

    A client that gives up leaves its request behind: in the backlog of the listener, or on its way through the
    application. `settle` waits for these, so that none of them is taken for one of the invocation that comes next. The
    application says how far a request is (`has_met`, `has_answered`), and refuses one that is disowned.
    """

    def __init__(self, listener: socket.socket, application: Any) -> None:
        host, port = listener.getsockname()[:2]
        super().__init__(host, port, application, MotoRequestHandler, fd=listener.fileno())
        self._lock = threading.Lock()
        self._unmet: set[socket.socket] = set()
        self._unanswered: set[socket.socket] = set()
        self._disowned: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; there is no moment at which it is neither in the backlog nor known of."""
        with self._lock:
            connection, address = super().get_request()
            self._unmet.add(connection)
            self._unanswered.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, and forget it."""
        with self._lock:
            for each in (self._unmet, self._unanswered, self._disowned):
                each.discard(request)
        super().shutdown_request(request)

    def is_disowned(self, environ: Mapping[str, Any]) -> bool:
        """Whether the invocation that a request belongs to has long ended."""
        return _connection(environ) in self._disowned

    def has_met(self, environ: Mapping[str, Any]) -> None:
        """Know that a request was noted among those of its invocation."""
        with self._lock:
            self._unmet.discard(_connection(environ))

    def has_answered(self, environ: Mapping[str, Any]) -> None:
        """Know that what a request does is done."""
        with self._lock:
            self._unmet.discard(_connection(environ))
            self._unanswered.discard(_connection(environ))

    def settle(self, *, met_within_s: float = _MET_WITHIN_S, answered_within_s: float = _ANSWERED_WITHIN_S) -> None:
        """
        Wait until all that was sent to us is noted, and for a moment until it is answered.

        What is still not noted after *met_within_s* is disowned: a connection on which nothing was sent, for instance.
        """
        _wait_until(lambda: not (self._unmet or self._has_backlog()), met_within_s)
        _wait_until(lambda: self._unanswered <= self._unmet, answered_within_s)
        with self._lock:
            self._disowned |= self._unmet
            self._unanswered -= self._unmet
            self._unmet.clear()

    def _has_backlog(self) -> bool:
        with self._lock:
            poll = select.poll()
            poll.register(self.socket, select.POLLIN)
            return bool(poll.poll(0)) or bool(self._unmet)


def _connection(environ: Mapping[str, Any]) -> Any:
    return environ["werkzeug.socket"]


def _wait_until(done: Callable[[], bool], limit_s: float) -> None:
    give_up = time.perf_counter() + limit_s
    while not done() and time.perf_counter() < give_up:
        time.sleep(_POLL_S)
