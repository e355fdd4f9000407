"""A request that nobody waits for any more belongs to the invocation that has sent it, and to no other."""

import socket
import threading
from contextlib import contextmanager
from time import perf_counter

import pytest

from replay.targets.child.request_server import RequestServer


class _Application:
    """Meets a request when it may, and answers it when it may."""

    def __init__(self):
        self.may_meet, self.may_answer = threading.Event(), threading.Event()
        self.came, self.met, self.refused = threading.Event(), [], threading.Event()
        self.server = None

    def __call__(self, environ, start_response):
        self.came.set()
        self.may_meet.wait(10)
        if self.server.is_disowned(environ):
            self.refused.set()
        else:
            self.met.append(environ["PATH_INFO"])
            self.server.has_met(environ)
            self.may_answer.wait(10)
        self.server.has_answered(environ)
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]


@pytest.fixture
def application():
    return _Application()


@pytest.fixture
def server(application):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        application.server = server = RequestServer(listener, application)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        application.may_meet.set()
        application.may_answer.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def given_up(server, path="/a"):
    """Send a request, and do not wait for its answer."""
    with socket.create_connection(server.server_address[:2]) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: aws\r\n\r\n".encode())
        yield client


def test_nothing_is_waited_for_where_nothing_was_sent(server):
    """An invocation without a call ends at once."""
    started = perf_counter()
    server.settle()
    assert perf_counter() - started < 5


def test_a_request_is_waited_for_wherever_it_is(server, application):
    """Whether it still lies in the backlog or is being read, settling ends only when it was met and answered."""
    application.may_meet.set()
    for number in range(50):
        application.may_answer.clear()
        with given_up(server, f"/{number}"):
            pass
        threading.Timer(0.01, application.may_answer.set).start()
        server.settle()
        assert application.met[-1] == f"/{number}"
        assert application.may_answer.is_set()


def test_settling_waits_for_the_slow_reader_of_a_request(server, application):
    """A mocked AWS that is still being loaded reads its first request late: it is noted all the same."""
    with given_up(server):
        application.came.wait(10)
    threading.Timer(0.2, application.may_meet.set).start()
    application.may_answer.set()
    server.settle()
    assert application.met == ["/a"]


def test_an_answer_is_waited_for_only_for_a_while(server, application):
    """A long poll whose caller is gone keeps nobody back, and stays its invocation's."""
    application.may_meet.set()
    with given_up(server):
        pass
    server.settle(answered_within_s=0.01)
    assert application.met == ["/a"]
    assert not application.may_answer.is_set()


def test_what_comes_too_late_is_refused(server, application):
    """A request that was not even noted in time is not let into the next invocation."""
    with given_up(server):
        application.came.wait(10)
        server.settle(met_within_s=0.01)
        application.may_meet.set()
        assert application.refused.wait(10)
    assert application.met == []


def test_a_connection_without_a_request_is_not_waited_for_twice(server, application):
    """A program that only holds a connection open delays an invocation once at most."""
    with socket.create_connection(server.server_address[:2]):
        server.settle(met_within_s=0.05)
        started = perf_counter()
        server.settle()
        assert perf_counter() - started < 5
