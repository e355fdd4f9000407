"""moto's server for a function's process: its AWS calls come in by HTTP, and meet the backends of this process."""

import functools
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

from replay.targets.in_process.aws_calls import is_write

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

_READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_PAUSED = b'{"__type":"ServiceUnavailable","message":"the replay is suspended"}'


class AwsServer:
    """
    Serves AWS on *listener* from a thread, to a function of *account_id*, until it is closed.

    `has_written` tells whether a call since it was last set to False may have changed anything. While it is `paused`,
    the backends in this process are somebody else's, and every call is refused.
    """

    def __init__(self, listener: socket.socket, account_id: str) -> None:
        from moto.moto_server.werkzeug_app import MotoRequestHandler
        from werkzeug.serving import make_server

        self.has_written = False
        self.paused = False
        self._account_id = account_id
        listener.setblocking(True)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        host, port = listener.getsockname()[:2]
        handler = MotoRequestHandler
        self._server = make_server(
            host, port, self._answer, threaded=True, request_handler=handler, fd=listener.fileno()
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="replay-aws")
        self._thread.start()

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        if self.paused:
            start_response("503 Service Unavailable", [("Content-Type", "application/json")])
            return [_PAUSED]
        if _may_write(environ):
            self.has_written = True
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = self._account_id
        return _moto()(environ, start_response)


def _may_write(environ: Environ) -> bool:
    """Say whether a request may change anything; one whose operation we do not see is taken to do so."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return is_write(target.rpartition(".")[2])
    return environ["REQUEST_METHOD"] not in _READING_METHODS


@functools.cache
def _moto() -> Application:
    """Make moto's application, which builds each service's part when it is first called."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    return DomainDispatcherApplication(create_backend_app)
