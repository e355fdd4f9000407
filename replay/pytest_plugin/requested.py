"""The `replay` fixture and marker, for tests that people write by hand."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Self

import pytest

from replay.errors import ReplayError, UnexpectedOutcome
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.outcomes.outcome import Outcome
from replay.payloads.aws_calls import Fault
from replay.payloads.fault_reading import Faults, fault_of_text, fault_text, read_faults
from replay.pytest_plugin.session import ReplaySession
from replay.pytest_plugin.summary import FIXTURE, NOTE
from replay.replayer import Observation
from replay.reports.effect_lines import effect_lines
from replay.reports.expectation_words import happened
from replay.reports.explanation import joined, log_lines, note_lines, run_command, stack_lines
from replay.reports.payload_excerpt import payload_section
from replay.reports.visible_text import one_line, visible

if TYPE_CHECKING:  # most tests replay locally
    from replay.pytest_plugin.deployed_target import DeployedTarget


class _Replayed(NamedTuple):
    fixture: Fixture
    faults: tuple[Fault, ...]
    observed: Observation


_REPLAYED = pytest.StashKey[list[_Replayed]]()
_EXAMPLE = '@pytest.mark.replay("FUNCTION/*")'


class Replay:
    """
    The captured event of a test: call it to replay it.

    `fixture` is the fixture; each call replays its event from a fresh state and gives the `Outcome`.
    """

    def __init__(
        self,
        fixture: Fixture,
        session: ReplaySession,
        item: pytest.Item,
        faults: Sequence[Fault] = (),
        target: str = "",
    ) -> None:
        """*item* is told what happens; *faults* and *target* are those of the marker, for every call of the test."""
        self.fixture = fixture
        self._target = target or session.target
        self._faults = tuple(faults)
        self._session = session
        self._item = item

    @classmethod
    def of(cls, request: pytest.FixtureRequest, session: ReplaySession) -> Self:
        """Give the `replay` of the requesting test, which fails where it has no marker or an unreadable fixture."""
        reference = getattr(request, "param", None)
        if isinstance(reference, ReplayError):
            pytest.fail(visible(str(reference)), pytrace=False)
        if not isinstance(reference, FixtureReference):
            pytest.fail(f"the `replay` fixture needs to know which events: add {_EXAMPLE} to the test", pytrace=False)
        try:
            fixture = session.project.store.load(reference)
            faults = [fault for marker in _nearest(request.node) for fault in _faults(marker)]
        except ReplayError as error:
            pytest.fail(visible(str(error)), pytrace=False)
        return cls(fixture, session, request.node, faults, target_of(request.node))

    def __call__(self, *, faults: Faults | None = None, twice: bool = False) -> Outcome:
        """
        Deliver the event as AWS would, from the state after `setup`, and say what happened.

        Args:
            faults: What calls of AWS meet, before the faults of the marker and of the fixture: errors by call, such as
                `{"dynamodb:PutItem": "ThrottlingException", "sqs:*": "timeout", "s3:*": "2.5s"}`, or `Fault` values.
            twice: Deliver it a second time, right after the first; the outcome is that of the first delivery.

        Raises:
            ReplayError: It could not be replayed, or a fault cannot be used.
            UnexpectedOutcome: The second delivery has written again: the handler is not idempotent.
        """
        __tracebackhide__ = True
        try:
            met = (*read_faults(faults, where="faults"), *self._faults)
            deployed = self._session.deployed(self._target)
            if deployed is not None:
                _skip_what_cannot_be(deployed, self.fixture, met, self._target, twice=twice)
            observed = self._session.observe(self.fixture, met, twice=twice, target=self._target)
        except ReplayError as error:
            raise error.with_traceback(None) from None  # where we noticed it is not what the user looks for
        self._item.stash.setdefault(_REPLAYED, []).append(_Replayed(self.fixture, met, observed))
        self._item.user_properties.append((FIXTURE, str(self.fixture.reference)))
        self._item.user_properties += [(NOTE, one_line(note, limit=400)) for note in observed.notes]
        if observed.second is not None and observed.second.reason:
            raise UnexpectedOutcome(observed.second.reason)
        if deployed is None:
            return observed.outcome
        from replay.pytest_plugin.deployed_target import with_untold

        return with_untold(observed.outcome, deployed.untold(self.fixture))


def _skip_what_cannot_be(
    deployed: "DeployedTarget", fixture: Fixture, faults: Sequence[Fault], target: str, *, twice: bool
) -> None:
    """Skip a test that asks for what a deployed target cannot do."""
    why_not = deployed.why_not(fixture)
    if faults:
        why_not = f"faults cannot be made on {target}: the calls of a deployed function are real"
    if twice:
        why_not = f"{target} does not tell whether a second delivery writes again"
    if why_not:
        pytest.skip(f"cannot be asserted: {why_not}")


def target_of(node: pytest.Item) -> str:
    """Give the target that the nearest markers of a test pin; empty where they pin none."""
    return next((str(marker.kwargs["target"]) for marker in _nearest(node) if "target" in marker.kwargs), "")


def replayed_by(item: pytest.Item, session: ReplaySession) -> tuple[str, FixtureReference] | None:
    """Give the target and the fixture that a test of somebody's own will replay, if it replays any."""
    reference = getattr(item, "callspec", None) and item.callspec.params.get("replay")  # type: ignore[attr-defined]
    return (target_of(item) or session.target, reference) if isinstance(reference, FixtureReference) else None


def parametrize(metafunc: pytest.Metafunc, session: ReplaySession) -> None:
    """
    Run a marked test once for each fixture that its patterns name.

    The markers nearest to the test count: those of a class or module are the default of the tests inside.

    A pattern that names nothing is an error of this test alone: to run no event silently would prove nothing.

    Raises:
        pytest.Collector.CollectError: The marker is not written as it must be.
    """
    nearest = _nearest(metafunc.definition)
    if not nearest:
        return
    where = visible(metafunc.definition.nodeid)
    patterns = [pattern for marker in nearest for pattern in marker.args]
    has_others = any(each.kwargs.keys() - {"faults", "target"} for each in nearest)
    targets = [each.kwargs["target"] for each in nearest if "target" in each.kwargs]
    if not patterns or has_others or not all(isinstance(each, str) for each in (*patterns, *targets)):
        raise pytest.Collector.CollectError(
            f'{where}: the marker `replay` takes patterns of fixtures as texts, such as {_EXAMPLE}, and target="NAME"'
        )
    try:
        references = session.project.store.references(patterns)
    except ReplayError as error:  # an error of this test alone: all others shall still run
        metafunc.parametrize("replay", [error], ids=["no fixture"], indirect=True)
        return
    metafunc.parametrize("replay", references, ids=[str(reference) for reference in references], indirect=True)


def _nearest(node: pytest.Item) -> list[pytest.Mark]:
    markers = list(node.iter_markers_with_node("replay"))
    return [marker for holder, marker in markers if holder is markers[0][0]]


def _faults(marker: pytest.Mark) -> tuple[Fault, ...]:
    return read_faults(marker.kwargs.get("faults"), where="faults of the marker `replay`")


def sections(item: pytest.Item) -> list[tuple[str, str]]:
    """Give the report sections that tell what a failed test's replays did."""
    return [
        (f"replay of {each.fixture.reference}", _section(each, item.nodeid)) for each in item.stash.get(_REPLAYED, [])
    ]


def _section(replayed: _Replayed, node_id: str) -> str:
    fixture, outcome = replayed.fixture, replayed.observed.outcome
    sections = (
        [f"happened   {happened(outcome)}"],
        ["here", *stack_lines(outcome.failure)] if outcome.failure else [],
        payload_section(fixture, outcome.failure or fixture.failure),
        effect_lines(outcome.effects),
        log_lines(outcome),
        note_lines(replayed.observed.notes),
        [f"run again  {_run_again(replayed, node_id)}"],
    )
    return joined(sections)


def _run_again(replayed: _Replayed, node_id: str) -> str:
    """Give our own command, with the faults; pytest's where a fault is more than an option can say."""
    texts = [fault_text(fault) for fault in replayed.faults]
    if any(fault_of_text(text, where="") != fault for text, fault in zip(texts, replayed.faults, strict=True)):
        return shlex.join(("pytest", node_id))
    twice = ["--twice"] if replayed.observed.second is not None else []
    options = [word for text in texts for word in ("--fault", text)]
    return run_command([replayed.fixture.reference.short], [*options, *twice])
