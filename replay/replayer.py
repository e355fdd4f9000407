"""The second driver: takes fixtures through delivery, target, outcome and expectation, and tells what happens."""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import perf_counter
from types import TracebackType
from typing import Protocol, Self

from replay.delivery.event_source_settings import current_settings
from replay.delivery.families import begin_delivery, drive
from replay.errors import FunctionError, ReplayError
from replay.expectations.judge import judge
from replay.expectations.judgement import Judgement, Verdict
from replay.fixtures.fixture import Fixture, FixtureReference, Revision
from replay.functions.function import Function
from replay.outcomes.classify import classify
from replay.outcomes.fingerprint import signature
from replay.outcomes.outcome import Outcome
from replay.payloads.captures import Event
from replay.payloads.expectations import Expectation
from replay.targets.base import Invoker

OpenInvoker = Callable[[Function], Invoker]
FunctionOf = Callable[[str], Function]


class FixtureStore(Protocol):
    """The part of the store that replaying needs."""

    def load(self, reference: FixtureReference) -> Fixture:
        """Read one fixture."""

    def update(self, fixture: Fixture) -> None:
        """Write a fixture's description back; its event is left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A run of `total` fixtures begins."""

    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureReplayed:
    """
    A fixture was replayed (once, or `repeat` times) and judged; `fixture` has the failure pinned, where one was.

    `notes` say what delivery and target did not do as AWS does.
    """

    fixture: Fixture
    outcomes: Sequence[Outcome]
    judgement: Judgement
    notes: tuple[str, ...] = ()
    pinned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureNotRun:
    """A fixture could not be replayed: verdict `error`."""

    reference: FixtureReference
    error: ReplayError


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """
    A run is over.

    `verdicts` counts every fixture by its verdict, most frequent first; `unexpected` counts those that are not as
    expected and those that could not run. `interrupted`: it was ended early, by Ctrl-C, and the verdicts count fewer
    than `total`.
    """

    total: int
    verdicts: Mapping[Verdict, int]
    unexpected: int
    elapsed_s: float
    interrupted: bool = False


RunEvent = RunStarted | FixtureReplayed | FixtureNotRun | RunFinished


def replay_fixture(fixture: Fixture, invoker: Invoker, *, function: Function, repeat: int = 1) -> list[Outcome]:
    """
    Deliver the event of *fixture* to *invoker* as AWS would, from the state after `setup`, *repeat* times.

    It is delivered with the settings that *function* has for this event source today, and else with the recorded ones.

    Raises:
        TargetError: The target cannot be reached or prepared.
        FunctionError: The handler cannot be found or imported for a reason outside the function's own code.
        InvalidEvent: The event is none that its event source could deliver.
        InvalidJson: The event is not JSON.
    """
    event = Event(text=fixture.event_text, kind=fixture.kind)
    settings = current_settings(fixture.event_source, function.event_sources)
    at = _captured_at(fixture)
    outcomes = []
    for _ in range(repeat):
        invoker.begin(at=at)
        outcomes.append(classify(drive(begin_delivery(event, settings, function.arn), invoker.invoke)))
    return outcomes


def _captured_at(fixture: Fixture) -> datetime | None:
    sent_at = fixture.provenance.sent_at
    if not sent_at:
        return None
    try:
        moment = datetime.fromisoformat(sent_at)
    except ValueError:
        return None  # edited by hand; the schema check of `replay doctor` tells
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Replayer:
    """
    Replays and judges fixtures one by one, with functions that stay warm in between.

    At most one function is in the process at a time; the others have stepped aside. `suspend` makes the last one step
    aside too, and the next replay brings it back. `close` leaves nothing in the process.

    Args:
        functions: Gives the function of a name; raises FunctionError for one that is not known.
        open_invoker: Gives the target of a function, not yet entered.
        pin: Whether the first local failure of a fixture that knew none becomes its expected one.
    """

    def __init__(
        self,
        store: FixtureStore,
        *,
        functions: FunctionOf,
        open_invoker: OpenInvoker,
        repeat: int = 1,
        red: bool = False,
        pin: bool = True,
    ) -> None:
        self._store = store
        self._function_of = functions
        self._open_invoker = open_invoker
        self._repeat, self._red, self._pin = repeat, red, pin
        self._warm: dict[str, tuple[Function, Invoker]] = {}
        self._present: Invoker | None = None
        self._last: Invoker | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def judge(self, reference: FixtureReference) -> FixtureReplayed | FixtureNotRun:
        """Replay the fixture *reference* and judge it; pin its failure where it is the first one seen."""
        try:
            fixture = self._store.load(reference)
            outcomes = self.outcomes(fixture)
            judgement = judge(_with_known_signature(fixture), outcomes, red=self._red, fixture=reference.id)
            first_seen = self._pin and fixture.expectation.wants == "fails" and judgement.verdict == "reproduced"
            if first_seen:
                fixture = self._pinned(fixture, outcomes[-1])
        except ReplayError as error:
            return FixtureNotRun(reference=reference, error=error)
        notes = self._notes(outcomes)
        return FixtureReplayed(fixture=fixture, outcomes=outcomes, judgement=judgement, notes=notes, pinned=first_seen)

    def outcomes(self, fixture: Fixture) -> list[Outcome]:
        """
        Replay *fixture* as often as asked, and judge nothing.

        Raises:
            ReplayError: It could not be replayed.
        """
        function, invoker = self._step_in(fixture.reference.function)
        outcomes = replay_fixture(fixture, invoker, function=function, repeat=self._repeat)
        _check_initialised(fixture, outcomes[-1], function)
        return outcomes

    def last_exception(self) -> BaseException | None:
        """Give the exception that the handler raised last, with its traceback, where the target keeps it."""
        return getattr(self._last, "last_exception", None)

    def suspend(self) -> None:
        """Take the present function's mocks, modules and environment out of the process until the next replay."""
        if self._present is not None:
            self._present.suspend()
            self._present = None

    def forget(self, function: str) -> None:
        """Close the target of *function*; the next replay opens it afresh."""
        warm = self._warm.pop(function, None)
        if warm is None:
            return
        invoker = warm[1]
        if self._present is not invoker:
            self._make_present(invoker)
        self._present = None
        invoker.__exit__(None, None, None)

    def close(self) -> None:
        """Close every target, also when one of them cannot be closed."""
        problems = []
        for name in list(self._warm):
            try:
                self.forget(name)
            except ReplayError as problem:
                problems.append(problem)
        if problems:
            raise problems[0]

    def _step_in(self, name: str) -> tuple[Function, Invoker]:
        """Bring the function *name* into the process, warm if it has been here before."""
        warm = self._warm.get(name)
        if warm is None:
            self.suspend()
            function = self._function_of(name)
            invoker = self._open_invoker(function)
            invoker.__enter__()
            warm = self._warm[name] = (function, invoker)
            self._present = invoker
        elif self._present is not warm[1]:
            self._make_present(warm[1])
        self._last = warm[1]
        return warm

    def _make_present(self, invoker: Invoker) -> None:
        self.suspend()
        invoker.resume()
        self._present = invoker

    def _notes(self, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
        target = self._last.notes if self._last is not None else ()
        return tuple(dict.fromkeys((*outcomes[-1].report.notes, *target)))

    def _pinned(self, fixture: Fixture, outcome: Outcome) -> Fixture:
        """Write the failure of *outcome* into the fixture as the one it expects from now on."""
        self.suspend()  # the function's clock and file system must not be those that we write with
        pinned = pin(fixture, outcome, at=datetime.now(UTC))
        self._store.update(pinned)
        return pinned


def pin(fixture: Fixture, outcome: Outcome, *, at: datetime) -> Fixture:
    """Give *fixture* as it is once the failure of *outcome* is its expected one; *at* is when it was seen."""
    failure = fixture.failure or (replace(outcome.failure, observed="local") if outcome.failure else None)
    revision = Revision(
        at=at.isoformat(timespec="seconds"),
        by="replay run",
        why=f"first local failure pinned: {outcome.signature.error_type if outcome.signature else outcome.status}",
    )
    return replace(
        fixture,
        expectation=Expectation(wants="reproduces", signature=outcome.signature),
        failure=failure,
        revisions=(*fixture.revisions, revision),
    )


def run(
    store: FixtureStore,
    references: Iterable[FixtureReference],
    *,
    functions: FunctionOf,
    open_invoker: OpenInvoker,
    repeat: int = 1,
    red: bool = False,
    pin: bool = True,
) -> Generator[RunEvent, None, None]:
    """
    Replay and judge the fixtures *references*, function by function, and tell it event by event.

    A fixture that cannot be replayed is told and does not stop the others; Ctrl-C ends the run early and properly.

    Args:
        store: Where the fixtures are.
        references: Which of them.
        functions: Gives the function of a name; raises FunctionError for one that is not known.
        open_invoker: Gives the target of a function, not yet entered.
        repeat: How often to replay each; outcomes that disagree are `flaky`.
        red: Make a reproduction unexpected too.
        pin: Whether the first local failure of a fixture that knew none becomes its expected one.
    """
    began = perf_counter()
    groups = _by_function(references)
    total = sum(map(len, groups.values()))
    verdicts: Counter[Verdict] = Counter()
    unexpected = 0
    interrupted = False
    yield RunStarted(total=total)
    with Replayer(store, functions=functions, open_invoker=open_invoker, repeat=repeat, red=red, pin=pin) as replayer:
        try:
            for told in _judge_all(replayer, groups):
                judgement = told.judgement if isinstance(told, FixtureReplayed) else None
                verdicts[judgement.verdict if judgement else "error"] += 1
                unexpected += not (judgement and judgement.as_expected)
                yield told
        except KeyboardInterrupt:
            interrupted = True
    yield RunFinished(
        total=total,
        verdicts=dict(verdicts.most_common()),
        unexpected=unexpected,
        elapsed_s=perf_counter() - began,
        interrupted=interrupted,
    )


def _judge_all(
    replayer: Replayer, groups: Mapping[str, Sequence[FixtureReference]]
) -> Iterator[FixtureReplayed | FixtureNotRun]:
    for function, group in groups.items():
        for reference in group:
            yield replayer.judge(reference)
        replayer.forget(function)


def _by_function(references: Iterable[FixtureReference]) -> dict[str, list[FixtureReference]]:
    groups: dict[str, list[FixtureReference]] = {}
    for reference in references:
        groups.setdefault(reference.function, []).append(reference)
    return groups


def _check_initialised(fixture: Fixture, outcome: Outcome, function: Function) -> None:
    """
    Refuse to judge a function that cannot even be imported here, unless that is the failure that was recorded.

    A typo in `handler` or a half-edited file says nothing of the event, and must not be pinned as its failure.

    Raises:
        FunctionError: The function failed before it saw the event.
    """
    failure = outcome.failure
    if failure is None or failure.request_id != "" or failure.observed != "local":
        return
    if fixture.failure is not None and fixture.failure.error_type == failure.error_type:
        return
    lines = [f"{frame.module}:{frame.line}: {frame.code}" for frame in failure.frames if frame.owner == "user"]
    raise FunctionError(
        f"{function.handler} cannot be imported: {failure.error_type}: {failure.message}",
        where=f"{lines[-1] if lines else function.name}, in {function.code}",
        expected="a handler that can be imported, as on Lambda",
        hint="mend it, and run again",
    )


def _with_known_signature(fixture: Fixture) -> Expectation:
    """Give the expectation, with the signature of the recorded failure where it names none itself."""
    expectation = fixture.expectation
    if expectation.wants == "fails" or expectation.signature is not None or fixture.failure is None:
        return expectation
    return replace(expectation, signature=signature(fixture.failure))
