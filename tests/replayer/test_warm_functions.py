"""Which functions get a process of their own, and that both are kept warm."""

from pathlib import Path
from typing import Any

import pytest

from replay.errors import TargetError
from replay.functions.function import Function
from replay.payloads.failures import Failure
from replay.replayer import FixtureNotRun, FixtureReplayed
from replay.targets import isolation
from tests.replayer.test_replayer import BUG, Bench, fixture, function, reference

TIMEOUT = Failure(error_type="Sandbox.Timedout", message="Error: Task timed out after 3.00 seconds")
EXIT = Failure(error_type="Runtime.ExitError", message="Error: Runtime exited with error: exit status 1")
KILLED = Failure(error_type="Runtime.ExitError", message="Error: Runtime exited with error: signal: killed")


def opened(bench: Bench, **options: Any) -> list[Function]:
    """Judge every fixture in *bench*, and list the functions that a target was opened for."""
    functions = []

    def open_invoker(chosen: Function) -> Any:
        functions.append(chosen)
        return bench.open(chosen)

    from replay.replayer import Replayer

    with Replayer(bench.store, functions=bench.function_of, open_invoker=open_invoker, **options) as replayer:
        for each in bench.store.fixtures:
            assert isinstance(replayer.judge(each), FixtureReplayed)
    return functions


@pytest.mark.parametrize(
    ("failure", "expected"), [(TIMEOUT, "process"), (EXIT, "process"), (KILLED, "process"), (BUG, None), (None, None)]
)
def test_a_failure_that_ends_the_process_gets_one_of_its_own(failure: Failure | None, expected: str | None) -> None:
    """A fixture that timed out, used up its memory or exited is isolated by itself, and no other one is."""
    (chosen,) = opened(Bench(fixture(failure=failure)), isolates=True)
    assert chosen.isolation == expected


@pytest.mark.parametrize(
    "settings",
    [{"isolation": "in_process"}, {"isolation": "process"}, {"command": ("run",)}, {"runtime": "nodejs22.x"}],
)
def test_what_the_user_says_is_respected(settings: dict[str, Any]) -> None:
    """Whoever has chosen an isolation, or runs another language, keeps what was chosen."""
    given = function(**settings)
    (chosen,) = opened(Bench(fixture(failure=EXIT), orders=given), isolates=True)
    assert chosen == given


def test_another_target_is_left_alone() -> None:
    """Where the events do not go to this machine, nothing here needs to be protected."""
    (chosen,) = opened(Bench(fixture(failure=EXIT)), isolates=False)
    assert chosen.isolation is None


def test_both_targets_of_a_function_stay_warm() -> None:
    """Fixtures of both kinds in turn open two targets, each once, and leave none open."""
    kinds = [BUG, TIMEOUT, BUG, TIMEOUT, EXIT]
    bench = Bench(*(fixture(number, failure=failure) for number, failure in enumerate(kinds)))
    assert [each.isolation for each in opened(bench, isolates=True)] == [None, "process"]
    assert [call for call in bench.calls if call[0] in {"enter", "exit"}] == [
        ("enter", "orders"),
        ("enter", "orders"),
        ("exit", "orders"),
        ("exit", "orders"),
    ]


def test_forgetting_a_function_closes_both_of_its_targets() -> None:
    """A function that is forgotten leaves nothing behind, in neither of its processes."""
    bench = Bench(fixture(1, failure=BUG), fixture(2, failure=TIMEOUT))
    with bench.replayer(isolates=True) as replayer:
        for number in (1, 2):
            replayer.judge(reference(number))
        replayer.forget("orders")
        assert [call[0] for call in bench.calls].count("exit") == 2
    assert [call[0] for call in bench.calls].count("exit") == 2


def test_without_the_runtime_client_a_timeout_runs_here_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own process survives a timeout, as far as it is Python code: the user is told what it cannot do."""
    monkeypatch.setattr(isolation, "has_python_client", lambda: False)
    bench = Bench(fixture(failure=TIMEOUT))
    with bench.replayer(isolates=True) as replayer:
        told = replayer.judge(reference(1))
    assert isinstance(told, FixtureReplayed)
    assert any("pip install 'event-replay[process]'" in note for note in told.notes)


@pytest.mark.parametrize("failure", [EXIT, KILLED])
def test_without_the_runtime_client_an_exit_is_refused(failure: Failure, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exit would take our own process with it: it is refused, with both ways out."""
    monkeypatch.setattr(isolation, "has_python_client", lambda: False)
    bench = Bench(fixture(failure=failure))
    with bench.replayer(isolates=True) as replayer:
        told = replayer.judge(reference(1))
    assert isinstance(told, FixtureNotRun)
    assert isinstance(told.error, TargetError)
    assert "event-replay[process]" in told.error.hint
    assert 'isolation = "in_process"' in told.error.hint


def test_the_isolation_of_a_function_is_left_open() -> None:
    """Without a word of the user the isolation is chosen for each fixture."""
    assert Function(name="f", handler="app.handler", code=Path()).isolation is None
