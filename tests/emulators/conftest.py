"""
The real servers: each is started once for all workers of a session, when a test first asks for it; their logs are in
every failure.

What a test has to know, since other tests use its server at the same time:

- Names are its own (`new_queue`, `new_function`, …). A test that looks at all there is (list_queues, `replay doctor`)
  takes `own_account`.
- Mappings are deleted behind each test, whoever made them: a server polls for each as long as it lives.
- With xdist (`--dist loadgroup`, as .ci/run says) each test runs in whichever process is free. Tests that share a fixture
  which is dear stand in `PLAYED_ONCE`.
- `@pytest.mark.takes_long` lets a test begin before the others, so that nobody waits for it alone at the end.
"""

import os
import secrets
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tests.emulators.environments import log_tail
from tests.emulators.server import Server
from tests.emulators.shared import shared

PLAYED_ONCE = (
    "test_a_batch_ends_as_it_does_on_localstack",
    "test_a_shard_is_read_as_it_is_on_localstack",
    "test_an_event_ends_as_it_does_on_localstack",
    "test_a_failed_invocation_is_recorded_however_it_is_told_of",
)
"""Tests whose cases are played side by side on the server, by a fixture of their module: they go to one worker."""


@pytest.fixture(scope="session")
def emulators_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the servers, one for all workers."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "emulators"


def _server_of(kind: str) -> Any:
    @pytest.fixture(scope="session")
    def server(emulators_folder: Path) -> Iterator[Server]:
        with shared(kind, emulators_folder / kind) as found:
            yield found

    return server


localstack_server = _server_of("localstack")
ministack_server = _server_of("ministack")
lambda_server = _server_of("localstack-with-lambda")
"""LocalStack, with a Lambda that runs functions."""

archives_server = _server_of("localstack-with-archives")
"""LocalStack, with archives that can be replayed."""


@pytest.fixture(params=["localstack", "ministack"])
def emulator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A running emulator that every AWS client, here and in child processes, now talks to."""
    server: Server = request.getfixturevalue(f"{request.param}_server")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    return server


@pytest.fixture
def own_account(monkeypatch: pytest.MonkeyPatch) -> str:
    """An account in which there is nothing yet, here and in child processes: both servers take it from the access key."""
    account = f"{secrets.randbelow(9 * 10**11) + 10**11}"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the credentials that it began with
    return account


@pytest.fixture(scope="session")
def _mappings(request: pytest.FixtureRequest) -> Iterator[list[tuple[BaseClient, str]]]:
    """Whatever event source mapping this process makes on the servers, with the client that made it."""
    made: list[tuple[BaseClient, str]] = []
    if not request.config.getoption("--emulators"):
        yield made  # tests that come behind in this process would find us in the stacks of their functions
        return
    call = BaseClient._make_api_call

    def noting(client: BaseClient, operation: str, parameters: Any) -> Any:
        answer = call(client, operation, parameters)
        if operation == "CreateEventSourceMapping":
            made.append((client, answer["UUID"]))
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", noting)
        yield made


@pytest.fixture(autouse=True)
def _no_mapping_stays(_mappings: list[tuple[Any, str]]) -> Iterator[None]:
    yield
    while _mappings:
        client, identity = _mappings.pop()
        with suppress(ClientError):  # the test has deleted it
            client.delete_event_source_mapping(UUID=identity)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Take the place of xdist's own `loadgroup`, which reads marks that pytest 9.2 no longer lets it read."""
    if config.getoption("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            if "test_localstack_target" in nodeid:
                return "localstack"  # each run removes what killed runs have left, also those of another test
            test = nodeid.partition("[")[0]
            return test if test.rpartition("::")[2] in PLAYED_ONCE else nodeid

    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what takes long begin first; for the rest the order stays."""
    items.sort(key=lambda item: item.get_closest_marker("takes_long") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what a test's server said last beside the test's failure."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for server in {value for value in item.funcargs.values() if isinstance(value, Server)}:
            report.sections.append((f"{server.name}: the end of {server.log}", log_tail(server.log)))
    return report
