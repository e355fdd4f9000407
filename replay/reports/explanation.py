"""Why a fixture is red: expectation and outcome, production's stack and ours, the payload, and how to run it again."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from replay.expectations.judgement import Judgement
from replay.fixtures.fixture import Fixture
from replay.outcomes.outcome import Outcome
from replay.payloads.expectations import Expectation
from replay.payloads.failures import Failure, Frame
from replay.reports.payload_excerpt import payload_excerpt
from replay.reports.visible_text import one_line, visible

_LOG_LINES = 15
_LIBRARY_FRAMES = 2
"""Of each stretch of library code, the call into it and the innermost frame are shown."""


def explain(fixture: Fixture, outcomes: Sequence[Outcome], judgement: Judgement) -> str:
    """Tell in plain text, some twenty lines, what was expected, what happened and what to do now."""
    outcome = outcomes[-1]
    local = outcome.failure
    lines = [
        f"{judgement.verdict}: {one_line(judgement.reason, limit=400)}",
        "",
        f"expected   {wanted(fixture.expectation)}",
        *(f"happened   {words}" for words in _happened(outcomes)),
    ]
    if fixture.edited:
        lines.append("note       event.json was edited by hand since it was recorded")
    recorded = fixture.failure if fixture.failure and fixture.failure.observed != "local" else None
    if recorded and recorded.frames:
        lines += ["", "in production", *stack_lines(recorded)]
    if local:
        lines += ["", "here", *stack_lines(local)]
    lines += ["", "payload (redacted)", *(f"  {row}" for row in payload_excerpt(fixture.event_text, local or recorded))]
    log = outcome.report.invocations[-1].reply.log if outcome.report.invocations else ""
    if log.strip():
        rows = log.strip().split("\n")
        lines += ["", "log (last invocation)", *(f"  {visible(row, limit=200)}" for row in rows[-_LOG_LINES:])]
    repeat = f" --repeat {len(outcomes)}" if len(outcomes) > 1 else ""
    lines += ["", f"run again  replay run {fixture.reference.id}{repeat}"]
    return "\n".join(lines)


def wanted(expectation: Expectation) -> str:
    """Put an expectation into words."""
    signature = expectation.signature
    if expectation.wants == "fails":
        return "fails (which failure is not known yet: the first one seen is pinned)"
    if expectation.wants == "reproduces":
        return f"fails as recorded: {headline(signature.error_type, signature.message) if signature else 'any failure'}"
    if expectation.wants == "succeeds":
        return "succeeds"
    dispositions = ", ".join(expectation.dispositions or ())
    return one_line(f"{expectation.status}{f' [{dispositions}]' if dispositions else ''}, as accepted")


def happened(outcome: Outcome) -> str:
    """Put an outcome into words."""
    dispositions = f" [{', '.join(outcome.dispositions)}]" if outcome.dispositions else ""
    failure = outcome.failure
    return f"{outcome.status}{dispositions}{f': {headline(failure.error_type, failure.message)}' if failure else ''}"


def _happened(outcomes: Sequence[Outcome]) -> list[str]:
    """Put several outcomes of one fixture into words, those that are alike together."""
    counts: dict[str, int] = {}
    for outcome in outcomes:
        words = happened(outcome)
        counts[words] = counts.get(words, 0) + 1
    if len(counts) == 1:
        return list(counts)
    return [f"{count} of {len(outcomes)} times: {words}" for words, count in counts.items()]


def headline(error_type: str, message: str, *, limit: int = 120) -> str:
    """Write `KeyError: 'customer_id'` on one safe line."""
    return one_line(f"{error_type}: {message}" if message else error_type, limit=limit)


def stack_lines(failure: Failure) -> list[str]:
    """Write a failure's frames, user code marked and long stretches of library code folded, and its headline."""
    lines: list[str] = []
    for owner, stretch in groupby(failure.frames, key=lambda frame: frame.owner):
        frames = list(stretch)
        lines += map(_frame, frames) if owner == "user" else _folded(frames)
    return [*lines, f"  {headline(failure.error_type, failure.message)}"]


def _folded(frames: Sequence[Frame]) -> Iterator[str]:
    if len(frames) <= _LIBRARY_FRAMES + 1:
        yield from map(_frame, frames)
        return
    hidden = frames[1:-1]
    packages = dict.fromkeys(one_line(frame.module.partition("/")[0], limit=40) for frame in hidden)
    yield _frame(frames[0])
    yield f"  … {len(hidden)} more in {', '.join(list(packages)[:4])}"
    yield _frame(frames[-1])


def _frame(frame: Frame) -> str:
    mark = ">" if frame.owner == "user" else " "
    where = f"{frame.module}:{frame.line}" if frame.line else frame.module
    what = f"{one_line(where, limit=60)} {one_line(frame.function, limit=60)}  {one_line(frame.code, limit=100)}"
    return f"{mark} {what}".rstrip()
