"""The network is closed but for what the user allows."""

import socket
import threading
from collections.abc import Iterator

import pytest

from replay.payloads.partitions import ENDPOINT_SUFFIXES
from replay.targets.in_process.closed_network import ClosedNetwork, NetworkClosed
from replay.targets.local import LocalTarget
from tests.targets.conftest import attempt


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine that answers `hello`."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"hello")

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("call", "host"),
    [
        ("socket.create_connection(('api.example.com', 443))", "api.example.com:443"),
        ("socket.create_connection(('127.0.0.1', 9))", "127.0.0.1:9"),
        ("socket.create_connection(('localhost', 9))", "localhost:9"),
        ("six.connect(('::1', 9))", "::1:9"),
        ("tcp.connect_ex(('10.0.0.1', 9))", "10.0.0.1:9"),
        ("udp.sendto(b'x', ('8.8.8.8', 53))", "8.8.8.8:53"),
        ("udp.sendto(b'x', 0, ('8.8.8.8', 53))", "8.8.8.8:53"),
        ("udp.sendmsg([b'x'], [], 0, ('8.8.8.8', 53))", "8.8.8.8:53"),
        ("socket.getaddrinfo(host=b'api.example.com', port=443)", "api.example.com:443"),
        ("socket.gethostbyname('api.example.com')", "api.example.com"),
        ("socket.gethostbyname_ex('api.example.com')", "api.example.com"),
        ("socket.gethostbyaddr('8.8.8.8')", "8.8.8.8"),
        ("urllib.request.urlopen('http://api.example.com/x')", "api.example.com:80"),
        ("asyncio.run(asyncio.open_connection('api.example.com', 443))", "api.example.com:443"),
        ("asyncio.run(asyncio.open_connection('127.0.0.1', 443))", "127.0.0.1:443"),
    ],
)  # fmt: skip
def test_what_goes_out_is_refused(service, answer, call, host):
    """Every way out of Python is refused, with the host and what would allow it."""
    code = f"""\
        import asyncio, socket, urllib.request
        def handler(event, context):
            with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket(socket.AF_INET6) as six:
                {call}
        """
    reply = answer(service(code))
    assert reply.status == "raised"
    name = host.rpartition(":")[0] or host
    assert (
        f'closed during a replay: orders tried to reach {host}; to let it, set allow_hosts = ["{name}"] for this function'
    ) in reply.failure.message


def test_the_handler_can_catch_it(service, answer):
    """To the function it is a refused connection, an OSError, and its frames are the function's own."""
    code = """\
        import socket
        def handler(event, context):
            try:
                socket.create_connection(("api.example.com", 443))
            except ConnectionRefusedError as error:
                caught = isinstance(error, OSError)
            with socket.socket() as tcp:
                tcp.connect(("10.0.0.1", 1))
        """
    failure = answer(service(code)).failure
    assert failure.error_type == "NetworkClosed"
    assert [frame.code for frame in failure.frames] == ['tcp.connect(("10.0.0.1", 1))']


def test_an_allowed_host_is_reached(service, answer, port):
    """A host in allow_hosts is reached by its name and by the addresses that the name stands for; patterns work."""
    code = f"""\
        import socket
        def handler(event, context):
            with socket.create_connection((event, {port})) as connection:
                return connection.recv(5).decode()
        """
    assert answer(service(code, allow_hosts=("127.0.0.1",)), "127.0.0.1").payload == '"hello"'
    assert answer(service(code, allow_hosts=("LOCAL*",)), "localhost").payload == '"hello"'
    assert answer(service(code, allow_hosts=("other.example",)), "127.0.0.1").status == "raised"


def test_sockets_inside_the_process_stay_open(service, answer):
    """asyncio, socket pairs, AF_UNIX and listening work without the network."""
    code = """\
        import asyncio, socket
        async def work(): await asyncio.sleep(0); return "done"
        def handler(event, context):
            a, b = socket.socketpair()
            a.send(b"x")
            with socket.create_server(("", 0)), a, b:
                return [asyncio.run(work()), b.recv(1).decode(), socket.getaddrinfo("127.0.0.1", 1)[0][4][0]]
        """
    assert answer(service(code)).payload == '["done", "x", "127.0.0.1"]'


def test_an_aws_client_that_is_not_mocked_is_explained():
    """A refused AWS host hints at a client that was made before the mock."""
    network = ClosedNetwork("orders", [], ENDPOINT_SUFFIXES)
    network.resume()
    try:
        with pytest.raises(NetworkClosed, match="an AWS client that was made before the replay"):
            socket.create_connection(("sqs.us-east-1.amazonaws.com", 443))
    finally:
        network.suspend()


def test_the_network_is_open_again_afterwards(service, port):
    """After the replay, and while suspended, sockets work as before."""
    with LocalTarget(service("def handler(event, context): return 1")) as target:
        target.begin()
        target.invoke(attempt())
        target.suspend()
        with socket.create_connection(("127.0.0.1", port)) as connection:
            assert connection.recv(5) == b"hello"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        assert connection.recv(5) == b"hello"
