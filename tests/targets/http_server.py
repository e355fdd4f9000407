"""A server on this machine that notes each request byte for byte, and answers as it is told."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ssl import SSLContext


@dataclass
class Seen:
    """A request as it came."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass
class NotingServer:
    """`answer` gives the bytes of the answer to each request; None hangs up."""

    answer: Callable[[Seen], bytes | None] = lambda _: answer_of(200, "done")
    seen: list[Seen] = field(default_factory=list)
    url: str = ""


def answer_of(status_code: int, body: str | bytes = "", *headers: str) -> bytes:
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status_code} Told", f"Content-Length: {len(content)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + content


@contextmanager
def noting_server(tls: SSLContext | None = None) -> Iterator[NotingServer]:
    """Serve on loopback."""
    noting = NotingServer()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            line = self.rfile.readline().decode("latin-1").rstrip("\r\n")
            headers = []
            while header := self.rfile.readline().decode("utf-8").rstrip("\r\n"):
                name, _, value = header.partition(": ")
                headers.append((name, value))
            length = next((int(value) for name, value in headers if name == "Content-Length"), 0)
            noting.seen.append(Seen(line, headers, self.rfile.read(length)))
            answer = noting.answer(noting.seen[-1])
            if answer is not None:
                self.wfile.write(answer)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Say nothing: a client that does not trust the certificate hangs up."""

        def get_request(self):
            connection, address = super().get_request()
            return (tls.wrap_socket(connection, server_side=True) if tls else connection), address

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        noting.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
        try:
            yield noting
        finally:
            server.shutdown()
            thread.join()
