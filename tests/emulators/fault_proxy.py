"""A proxy before a real SQS that fails batch entries, throttles, drops connections and answers twice, by chance."""

import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_BATCHES = {"SendMessageBatch", "DeleteMessageBatch"}


@dataclass
class Faults:
    """
    How likely each fault is, for the calls that send and delete; `met` counts those that happened.

    `lost` drops the connection when the server has done its work; `dropped` before it was asked. `twice` writes an
    answer two times on the same connection, so that the second could be taken for the next request's.
    """

    entry: float = 0.10
    throttled: float = 0.05
    dropped: float = 0.03
    lost: float = 0.03
    twice: float = 0.05
    chance: random.Random = field(default_factory=lambda: random.Random(2026))
    met: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def happens(self, name: str) -> bool:
        with self.lock:
            happens = self.chance.random() < getattr(self, name)
            self.met[name] += happens
            return happens


class _Proxy(BaseHTTPRequestHandler):
    faults: Faults
    upstream: str

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        if operation not in _BATCHES:
            self._answer(*self._forwarded(body))
            return
        if self.faults.happens("throttled"):
            document = {"__type": "com.amazonaws.sqs#RequestThrottled", "message": "slow down"}
            self._answer(400, json.dumps(document).encode())
        elif self.faults.happens("dropped"):
            self.close_connection = True
        else:
            status, answer = self._with_failing_entries(body)
            if self.faults.happens("lost"):
                self.close_connection = True
                return
            self._answer(status, answer)
            if self.faults.happens("twice"):
                self._answer(status, answer)

    def _with_failing_entries(self, body: bytes) -> tuple[int, bytes]:
        request = json.loads(body)
        failing = [entry for entry in request["Entries"] if self.faults.happens("entry")]
        kept = [entry for entry in request["Entries"] if entry not in failing]
        answer: dict[str, Any] = {"Successful": []}
        if kept:
            status, text = self._forwarded(json.dumps({**request, "Entries": kept}).encode())
            if status != 200:
                return status, text
            answer = json.loads(text)
        failed = [{"Id": each["Id"], "Code": "InternalError", "SenderFault": False} for each in failing]
        answer["Failed"] = [*answer.get("Failed", []), *failed]
        return 200, json.dumps(answer).encode()

    def _forwarded(self, body: bytes) -> tuple[int, bytes]:
        server_at = urlsplit(self.upstream)
        connection = http.client.HTTPConnection(server_at.hostname or "", server_at.port, timeout=30)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "content-length"}
        try:
            connection.request("POST", self.path, body, headers)
            answered = connection.getresponse()
            return answered.status, answered.read()
        finally:
            connection.close()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def fault_proxy(upstream: str, faults: Faults) -> Iterator[str]:
    """Serve it on loopback, before the server at *upstream*."""
    proxy = type("Proxy", (_Proxy,), {"faults": faults, "upstream": upstream})
    server = ThreadingHTTPServer(("127.0.0.1", 0), proxy)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
