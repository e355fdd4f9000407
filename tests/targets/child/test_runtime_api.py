"""The Runtime API, as a runtime client meets it."""

import contextlib
import http.client
import json
import selectors
import socket
import threading
from contextlib import contextmanager

import pytest

from replay.targets.child.runtime_api import Answer, RuntimeApi

NEXT = "/2018-06-01/runtime/invocation/next"


@contextmanager
def api():
    """Serve the API, and give it with a function that makes one request in a thread of its own."""
    told = []
    selector = selectors.DefaultSelector()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = RuntimeApi(listener, selector, told.append)
        one.told = told
        host, port = listener.getsockname()

        def serve(until):
            for _ in range(2_000):
                if until():
                    return
                for key, _ in selector.select(0.005):
                    key.data()
            raise AssertionError("nothing came")

        def call(method, path, body=None, headers=None):
            answers = []

            def request():
                connection = http.client.HTTPConnection(host, port, timeout=10)
                connection.request(method, path, body, headers or {})
                response = connection.getresponse()
                answers.append((response.status, dict(response.getheaders()), response.read()))
                connection.close()

            thread = threading.Thread(target=request)
            thread.start()
            return answers, thread

        def ask(method, path, body=None, headers=None):
            answers, thread = call(method, path, body, headers)
            serve(lambda: answers)
            thread.join()
            return answers[0]

        one.ask, one.call, one.serve = ask, call, serve
        yield one
        one.close()
    selector.close()


@contextmanager
def invoked(one):
    """Hand out one event."""
    answers, thread = one.call("GET", NEXT)
    one.serve(lambda: one.is_asked)
    one.offer("id-1", b'{"a": 1}', {"Lambda-Runtime-Deadline-Ms": "5"})
    one.serve(lambda: answers)
    thread.join()
    yield answers[0]


def test_an_event_is_handed_out_with_its_headers():
    """Who asks for an event waits until there is one, and gets it with its request id."""
    with api() as one, invoked(one) as (status, headers, body):
        assert (status, body) == (200, b'{"a": 1}')
        assert headers["Lambda-Runtime-Aws-Request-Id"] == "id-1"
        assert headers["Lambda-Runtime-Deadline-Ms"] == "5"
        assert one.answer is None


@pytest.mark.parametrize(
    ("path", "headers", "answer"),
    [
        ("response", {}, Answer("response", b"[1]")),
        ("error", {"Lambda-Runtime-Function-Error-Type": "E"}, Answer("error", b"[1]", "E")),
        ("response", {"Lambda-Runtime-Function-Error-Type": "E"}, Answer("error", b"[1]", "E")),
    ],
)
def test_an_answer_is_taken_once(path, headers, answer):
    """A response or an error ends the invocation; a second one, or one of another event, is refused."""
    with api() as one, invoked(one):
        wrong, _, body = one.ask("POST", f"/2018-06-01/runtime/invocation/id-0/{path}", "[1]", headers)
        assert (wrong, json.loads(body)["errorType"], one.answer) == (400, "InvalidRequestID", None)
        assert one.ask("POST", f"/2018-06-01/runtime/invocation/id-1/{path}", "[1]", headers)[0] == 202
        assert one.answer == answer
        assert one.ask("POST", f"/2018-06-01/runtime/invocation/id-1/{path}", "[2]", headers)[0] == 400
        assert one.answer == answer


def test_a_large_answer_is_refused():
    """More than 6,291,556 bytes get 413."""
    with api() as one, invoked(one):
        status, _, body = one.ask("POST", "/2018-06-01/runtime/invocation/id-1/response", b"x" * 6_291_557)
        assert (status, json.loads(body)["errorType"]) == (413, "RequestEntityTooLarge")
        assert one.answer.kind == "too_large"


def test_no_event_before_the_answer():
    """A process that asks again before it has answered gets 403."""
    with api() as one, invoked(one):
        status, _, body = one.ask("GET", NEXT)
        assert (status, json.loads(body)["errorType"]) == (403, "InvalidStateTransition")


def test_an_error_while_starting_is_taken():
    """An init error comes without a request id."""
    with api() as one:
        assert (
            one.ask("POST", "/2018-06-01/runtime/init/error", "{}", {"Lambda-Runtime-Function-Error-Type": "E"})[0]
            == 202
        )
        assert one.answer == Answer("init_error", b"{}", "E")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/2018-06-01/runtime/x"),
        ("POST", NEXT),
        ("GET", "/2018-06-01/runtime/invocation/id-1/response"),
    ],
)
def test_other_paths_are_not_there(method, path):
    """What the API does not have is 404."""
    with api() as one:
        assert one.ask(method, path)[0] == 404


def test_a_report_of_setup_is_passed_on():
    """The one path of our own."""
    with api() as one:
        assert one.ask("POST", "/replay/setup", "{}")[0] == 200
        assert one.told == [b"{}"]


def test_a_process_can_be_told_that_there_is_no_more():
    """Who waits for an event gets 410, and nobody waits any more."""
    with api() as one:
        answers, thread = one.call("GET", NEXT)
        one.serve(lambda: one.is_asked)
        one.dismiss()
        one.serve(lambda: answers)
        thread.join()
        assert (answers[0][0], one.is_asked) == (410, False)


def test_what_an_old_process_has_said_is_forgotten():
    """Neither its open question nor one that it left in the socket's queue counts for the next process."""
    with api() as one:
        socket.create_connection(one._listener.getsockname()).close()
        with socket.create_connection(one._listener.getsockname()) as waiting:
            waiting.sendall(f"GET {NEXT} HTTP/1.1\r\n\r\n".encode())
            one.serve(lambda: one.is_asked)
            with socket.create_connection(one._listener.getsockname()) as queued:
                queued.sendall(f"GET {NEXT} HTTP/1.1\r\n\r\n".encode())
                one.forget()
                with contextlib.suppress(ConnectionResetError):
                    assert queued.recv(10) == b""
            assert waiting.recv(10) == b""
        assert not one.is_asked
