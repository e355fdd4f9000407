"""What holds for every test: no account, no network beyond this machine, the same examples each time."""

import gc
import ipaddress
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.botocore_once import share_what_botocore_knows

pytest_plugins = ["pytester"]

# A slow or busy machine must not make a property fail: time is measured in benchmarks/, not here.
_EVERYWHERE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", _EVERYWHERE, derandomize=True, max_examples=100)
settings.register_profile("deep", _EVERYWHERE, max_examples=5_000)
settings.load_profile("ci")  # `--hypothesis-profile deep` takes the other one

_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--emulators",
        action="store_true",
        help="Run the tests marked `emulator`, against LocalStack and MiniStack (installed and started by themselves).",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Close the way to real AWS for the whole session: the project's fixtures are items that use no pytest fixture."""
    closed = pytest.MonkeyPatch()
    config.add_cleanup(closed.undo)
    _forget_the_account(closed)
    _close_sockets(closed)
    share_what_botocore_knows(closed)
    _take_ctrl_c()
    gc.set_threshold(50_000, 20, 20)  # as the command line does; else garbage is looked for in a fifth of the time
    if "PYTEST_XDIST_WORKER" not in os.environ:
        cache = tempfile.TemporaryDirectory()  # all workers share it, and what they start; nobody's own is read
        config.add_cleanup(cache.cleanup)
        closed.setenv("XDG_CACHE_HOME", cache.name)


def _take_ctrl_c() -> None:
    """Let the processes that tests start be interrupted: a shell that runs pytest in the background ignores SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--emulators"):
        return
    skip = pytest.mark.skip(reason="needs servers that --emulators installs and starts, as .ci/run does")
    for item in items:
        if item.get_closest_marker("emulator"):
            item.add_marker(skip)


def pytest_collection_finish() -> None:
    """Thousands of tests, and what they import, are there to stay: no garbage is looked for among them."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start each test from the same closed environment, whatever the one before has left in os.environ."""
    _forget_the_account(monkeypatch)


@pytest.fixture(scope="session", autouse=True)
def _pytests_in_tests_keep_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let a pytest that a test starts not spend minutes on removing what earlier sessions of ours have left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DEBUG_TEMPROOT", str(tmp_path_factory.mktemp("pytest")))
        yield


def _forget_the_account(patch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_") and name not in _ENVIRONMENT]:
        patch.delenv(name)
    for name, value in _ENVIRONMENT.items():
        patch.setenv(name, value)


def _close_sockets(patch: pytest.MonkeyPatch) -> None:
    for name in ("connect", "connect_ex", "sendto"):
        patch.setattr(socket.socket, name, _only_loopback(getattr(socket.socket, name)))
    look_up = socket.getaddrinfo

    def look_up_here(host: Any, *rest: Any, **options: Any) -> Any:
        _refuse_beyond_loopback(host)
        return look_up(host, *rest, **options)

    patch.setattr(socket, "getaddrinfo", look_up_here)


def _only_loopback(original: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(connection: socket.socket, *rest: Any) -> Any:
        address = rest[-1]
        if connection.family in {socket.AF_INET, socket.AF_INET6}:
            _refuse_beyond_loopback(address[0])
        return original(connection, *rest)

    return guarded


def _refuse_beyond_loopback(host: Any) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name and not _is_here(name):
        # Failed is no Exception: a client that retries on every error cannot swallow it.
        pytest.fail(f"a test tried to reach {name}: tests stay on this machine")


def _is_here(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
