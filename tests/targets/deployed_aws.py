"""An endpoint on this machine that answers for STS, IAM and Lambda as it is told, and notes what it was asked."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest

ACCOUNT = "111122223333"
REGION = "eu-west-1"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:orders"
CALLER = f"arn:aws:sts::{ACCOUNT}:assumed-role/developer/grace"


@dataclass
class Answer:
    """What the function answers to one invocation."""

    payload: Any = None
    function_error: str = ""
    log: str = ""
    status: int = 200
    error_type: str = ""
    error_message: str = "no"
    hang_up: bool = False


@dataclass
class DeployedAws:
    """What there is, and what was asked; `answer` is called with each event that the function is invoked with."""

    account: str = ACCOUNT
    arn: str = ARN
    tags: dict[str, str] | None = field(default_factory=dict)
    alias: str | None = "shop-staging"
    answer: Callable[[Any], Answer] = lambda event: Answer(payload={"ok": True})
    invocations: list[Any] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def reply(self, path: str, body: bytes) -> tuple[int, dict[str, str], bytes] | None:
        if body.startswith(b"Action="):
            return self._query(body.decode())
        if path.endswith("/configuration"):
            return self._json(200, {"FunctionArn": self.arn, "Timeout": 3, "State": "Active"})
        if "/tags/" in path:
            return self._denied("lambda:ListTags") if self.tags is None else self._json(200, {"Tags": self.tags})
        if path.endswith("/invocations"):
            return self._invoked(json.loads(body))
        return self._json(404, {"Type": "User", "Message": "no such thing"}, "ResourceNotFoundException")

    def _invoked(self, event: Any) -> tuple[int, dict[str, str], bytes] | None:
        with self.lock:
            self.invocations.append(event)
            number = len(self.invocations)
        answer = self.answer(event)
        if answer.hang_up:
            return None
        headers = {"x-amzn-RequestId": f"b2c3d4e5-0000-4000-8000-{number:012d}"}
        if answer.error_type:
            return self._json(answer.status, {"Message": answer.error_message}, answer.error_type)
        if answer.function_error:
            headers["X-Amz-Function-Error"] = answer.function_error
        if answer.log:
            headers["X-Amz-Log-Result"] = base64.b64encode(answer.log.encode()).decode()
        return answer.status, headers, json.dumps(answer.payload).encode()

    def _query(self, body: str) -> tuple[int, dict[str, str], bytes]:
        if "GetCallerIdentity" in body:
            found = f"<Account>{self.account}</Account><Arn>{CALLER}</Arn><UserId>u</UserId>"
            return self._xml("GetCallerIdentity", found)
        if self.alias is None:
            error = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
            return 403, {"Content-Type": "text/xml"}, error.encode()
        member = f"<AccountAliases><member>{self.alias}</member></AccountAliases><IsTruncated>false</IsTruncated>"
        return self._xml("ListAccountAliases", member)

    @staticmethod
    def _xml(name: str, inner: str) -> tuple[int, dict[str, str], bytes]:
        text = f"<{name}Response><{name}Result>{inner}</{name}Result></{name}Response>"
        return 200, {"Content-Type": "text/xml"}, text.encode()

    @staticmethod
    def _json(status: int, document: Any, error: str = "") -> tuple[int, dict[str, str], bytes]:
        headers = {"x-amzn-ErrorType": error} if error else {}
        return status, headers, json.dumps(document).encode()

    def _denied(self, action: str) -> tuple[int, dict[str, str], bytes]:
        return self._json(403, {"Message": f"not authorized to perform: {action}"}, "AccessDeniedException")


@contextmanager
def deployed_aws() -> Iterator[DeployedAws]:
    """Serve it on loopback."""
    aws = DeployedAws()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = unquote(self.path)
            with aws.lock:
                aws.asked.append(path)
                aws.requests.append(dict(self.headers))
            answered = aws.reply(path, body)
            if answered is None:
                self.close_connection = True
                return
            status, headers, text = answered
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST  # noqa: N815 - the server calls it so

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    aws.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield aws
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def all_led_to_it(patch: pytest.MonkeyPatch, answer: Callable[[Any], Answer] | None = None) -> Iterator[DeployedAws]:
    """Serve it, and lead every client there, with made-up credentials; the function gives *answer*."""
    for name, value in (("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_DEFAULT_REGION", REGION)):
        patch.setenv(name, value)
    with deployed_aws() as served:
        patch.setenv("AWS_ENDPOINT_URL", served.url)
        if answer is not None:
            served.answer = answer
        yield served
