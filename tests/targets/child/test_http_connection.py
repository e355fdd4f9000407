"""As much HTTP as runtime clients speak, however the bytes arrive."""

import selectors
import socket
from contextlib import contextmanager
from http import HTTPStatus
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.targets.child import http_connection
from replay.targets.child.http_connection import HttpConnection


class Server:
    """One connection and the requests that came by it; each is answered at once unless `answers` is off."""

    def __init__(self, keep=1_000):
        self.theirs, ours = socket.socketpair()
        self.selector = selectors.DefaultSelector()
        self.requests = []
        self.answers = True
        self.connection = HttpConnection(_tcp_like(ours), self.selector, self.handle, keep_body_bytes=keep)

    def handle(self, connection, request):
        self.requests.append(request)
        if self.answers:
            connection.respond(HTTPStatus.OK, b"yes", {"X-A": "ü"})

    def serve(self):
        while ready := self.selector.select(0):
            for key, _ in ready:
                key.data()

    def send(self, data):
        self.theirs.sendall(data)
        self.serve()

    def answer(self):
        self.theirs.setblocking(False)
        try:
            return self.theirs.recv(1_000_000)
        except BlockingIOError:
            return None

    def close(self):
        self.connection.close()
        self.selector.close()
        self.theirs.close()


class _tcp_like:  # noqa: N801
    """A socket pair has no Nagle to disable."""

    def __init__(self, wrapped):
        self._wrapped = wrapped

    def setsockopt(self, *_):
        pass

    def __getattr__(self, name):
        return getattr(self._wrapped, name)


@contextmanager
def server(**options):
    one = Server(**options)
    try:
        yield one
    finally:
        one.close()


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-A: \xfc\r\n\r\nyes"


def chunked(body, cuts):
    places = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    pieces = [body[a:b] for a, b in pairwise(places)]
    return (
        b"".join(b"%x;x=y\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece)
        + b"0\r\nX-Trailer: late\r\n\r\n"
    )


@given(
    bodies=st.lists(
        st.tuples(st.binary(max_size=300), st.booleans(), st.lists(st.integers(0, 300), max_size=4)),
        min_size=1,
        max_size=3,
    ),
    cuts=st.lists(st.integers(1, 900), max_size=8),
)
def test_requests_are_read_however_they_are_cut(bodies, cuts):
    """Requests with a length or in chunks, one after the other, in pieces of any size."""
    stream = b""
    for body, is_chunked, places in bodies:
        if is_chunked:
            stream += b"POST /a/b HTTP/1.1\r\nTransfer-Encoding: Chunked\r\nHost: x:1\r\n\r\n" + chunked(body, places)
        else:
            stream += b"POST /a/b HTTP/1.1\r\nContent-Length: %d\r\nHost: x:1\r\n\r\n" % len(body) + body
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    with server() as one:
        for start, end in pairwise(places):
            one.send(stream[start:end])
        assert [(r.method, r.path, r.body, r.size, r.headers["host"]) for r in one.requests] == [
            ("POST", "/a/b", body, len(body), "x:1") for body, *_ in bodies
        ]
        assert [r.headers.get("x-trailer") for r in one.requests] == ["late" if c else None for _, c, _ in bodies]
        assert one.answer() == ANSWER * len(bodies)


@given(size=st.integers(0, 5_000), is_chunked=st.booleans())
def test_only_the_beginning_of_a_large_body_is_kept(size, is_chunked):
    """What is more than asked for is counted and not kept."""
    body = b"x" * size
    with server(keep=100) as one:
        if is_chunked:
            one.send(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, [7, 150, 2_000]))
        else:
            one.send(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size + body)
        (request,) = one.requests
        assert (request.size, request.body) == (size, body[:100])


def test_a_client_that_asks_first_is_told_to_go_on():
    """curl sends a large body only after `100 Continue`."""
    with server() as one:
        one.send(b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert one.answer() == b"HTTP/1.1 100 Continue\r\n\r\n"
        one.send(b"{}")
        assert one.answer() == ANSWER


def test_the_next_request_waits_for_the_answer_to_this_one():
    """An answer may come late, and until then nothing else is handed over."""
    with server() as one:
        one.answers = False
        one.send(b"GET /1 HTTP/1.1\r\n\r\n")
        one.send(b"GET /2 HTTP/1.1\r\n\r\n")
        assert [request.path for request in one.requests] == ["/1"]
        one.answers = True
        one.connection.respond(HTTPStatus.OK, b"")
        one.send(b"GET /3 HTTP/1.1\r\n\r\n")
        assert [request.path for request in one.requests] == ["/1", "/2", "/3"]


def test_a_large_answer_goes_out_as_there_is_room():
    """An event of megabytes is sent without blocking, however slowly it is read."""
    with server() as one:
        one.answers = False
        one.send(b"GET / HTTP/1.1\r\n\r\n")
        one.connection.respond(HTTPStatus.OK, b"x" * 3_000_000)
        received = 0
        while received < 3_000_000:
            received += len(one.answer() or b"")
            one.serve()
        assert received == 3_000_000 + len(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n")


def test_a_header_is_one_line():
    """A value with line breaks adds no header of its own."""
    with server() as one:
        one.answers = False
        one.send(b"GET / HTTP/1.1\r\n\r\n")
        one.connection.respond(HTTPStatus.OK, b"", {"X-Id": "a\r\nX-Evil: 1"})
        assert one.answer() == b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Id: a X-Evil: 1\r\n\r\n"


def test_a_connection_closes_when_it_is_asked_to():
    """`Connection: close` ends it after the answer, and a client that is gone ends it at once."""
    with server() as one:
        one.send(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert not one.connection.is_open
        one.connection.respond(HTTPStatus.OK, b"nobody hears this")
    with server() as one:
        one.theirs.close()
        one.serve()
        assert not one.connection.is_open


@pytest.mark.parametrize(
    "data",
    [
        b"\0\r\n\r\n",
        b"GET /\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_not_http_is_refused(data):
    """Anything else gets 400 and no second chance."""
    with server() as one:
        one.send(data)
        assert (one.answer() or b"").startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert not one.connection.is_open
        assert one.requests == []


def test_endless_headers_are_refused(monkeypatch):
    """A head that never ends does not fill the memory, nor does one who talks on without waiting for answers."""
    monkeypatch.setattr(http_connection, "MAXIMUM_HEAD_BYTES", 1_000)
    with server() as one:
        one.send(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 300)
        assert not one.connection.is_open
    with server() as one:
        one.answers = False
        one.send(b"GET / HTTP/1.1\r\n\r\n" + b"x" * 2_000)
        one.send(b"x")
        assert not one.connection.is_open
