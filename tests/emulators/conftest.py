"""The real servers, each started once per session when a test first asks for it, and their logs in every failure."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.emulators import localstack, ministack
from tests.emulators.environments import log_tail
from tests.emulators.server import Launch, Server, free_port, running


def _serve(launch: Callable[[Path, int], Launch], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("emulator")
    with running(launch(folder, free_port()), folder) as server:
        yield server


@pytest.fixture(scope="session")
def localstack_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from _serve(localstack.launch, tmp_path_factory)


@pytest.fixture(scope="session")
def lambda_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """LocalStack, with a Lambda that runs functions."""
    yield from _serve(localstack.launch_with_lambda, tmp_path_factory)


@pytest.fixture(scope="session")
def archives_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """LocalStack, with archives that can be replayed."""
    yield from _serve(localstack.launch_with_archives, tmp_path_factory)


@pytest.fixture(scope="session")
def ministack_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from _serve(ministack.launch, tmp_path_factory)


@pytest.fixture(params=["localstack", "ministack"])
def emulator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A running emulator that every AWS client, here and in child processes, now talks to."""
    server: Server = request.getfixturevalue(f"{request.param}_server")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    return server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what a test's server said last beside the test's failure."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for server in {value for value in item.funcargs.values() if isinstance(value, Server)}:
            report.sections.append((f"{server.name}: the end of {server.log}", log_tail(server.log)))
    return report
