"""Expectations of an event source mapping: how often what was delivered, and what became of it."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from tests.truth.checks.documents import COMMENTARY, check_document
from tests.truth.checks.shapes import parsed
from tests.truth.stimuli.handlers import data_of
from tests.truth.stimuli.mappings import MappingRun
from tests.truth.stimuli.words import split_clauses
from tests.truth.verdicts import Findings, Unreadable

Check = Callable[[MappingRun, Any, Findings], None]

_WHAT = (
    r"(?:(?:(?:(?:the|both|all|every|each|\d+) ){0,2}(?:whole )?(?:batch|messages?|records?)|all|both|everything|it)"
    r"(?: (?:is|are|was|were|goes|go|ends?|ends up))? ?)?"
)
_WHERE = r"(?:(?:moved|sent|goes|go|ends? up) )?(?:in(?:to)? |to )?(?:the |its )?"
_AFTER = r"(?: after (?:maxReceiveCount|(?:all|\w+) (?:deliveries|receives|attempts|retries))(?: \w+)?)?"
_ENDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (rf"{_WHAT}{_WHERE}(?:DLQ|dead.?letter(?:ed| queue)?){_AFTER}", ("dead_lettered",)),
    (
        rf"{_WHAT}(?:fail(?:s|ed)?|not (?:deleted|processed))",
        ("dead_lettered", "still_queued", "discarded", "sent_to_destination"),
    ),
    (rf"{_WHAT}{_WHERE}(?:sent_to_destination|(?:on.?failure )?destination)", ("sent_to_destination",)),
    (rf"{_WHAT}filtered(?: out)?(?: and deleted)?", ("filtered",)),
    (
        rf"{_WHAT}(?:still_queued|still (?:there|queued|in the queue)|back in the queue|visible again)",
        ("still_queued",),
    ),
    (rf"{_WHAT}(?:discarded|dropped|given up)", ("discarded",)),
    (rf"{_WHAT}(?:done|success(?:ful)?|succeed(?:s|ed)?|deleted|processed)", ("processed",)),
)
_UNTIL_THE_END = re.compile(
    r"(?:the )?(?:whole )?batch (?:is )?retried until (?:(?:it|the retries) (?:is|are) )?(?:exhausted|it expires|expiry)"
)
_ERROR_CODE = re.compile(r"^(?:[A-Z]\w+, |[A-Z]\w+Exception: )")
_NO_DEAD_LETTER = re.compile(
    r"nothing (?:is |goes )?(?:in|to) (?:the )?(?:DLQ|dead.?letter queue)|(?:the )?DLQ (?:(?:is|stays) )?empty|(?:an? )?empty DLQ|no DLQ.*|not .*DLQ",
    re.IGNORECASE,
)
_IN_ORDER = re.compile(
    r"(?:strictly )?in order|one after (?:the other|another)|(?:by|within|per) (?:message )?group|true|kept|sequential",
    re.IGNORECASE,
)
_SAME_MESSAGE = re.compile(r"(?:the )?same (?:MessageId|message.?id)(?:,? and (?:the )?(?:same )?body)?", re.IGNORECASE)
_RETRIED = re.compile(rf"{_WHAT}(?:retried|redelivered|delivered again|comes? back)", re.IGNORECASE)
_AT_ONCE = re.compile(r"(?:max_?)?(?:concurren|parallel|overlap)\w*")
_JOINED = re.compile(r"^(?:and |then |and then )")
_ASIDE = re.compile(r"\s*\bwith\s+|\s*\((?=the same|same)")
_NO_RETRY = re.compile(r"no retr(?:y|ies)|not retried|once")
_NOT_DONE = ("sent_to_destination", "discarded", "dead_lettered")


def check_mapping(run: MappingRun, expect: Any, findings: Findings) -> None:
    """
    Judge every key of *expect*.

    Raises:
        Unreadable: A key, or the words at it, are not known here.
    """
    if not isinstance(expect, dict):
        raise Unreadable(f"cannot read expect: {expect!r}")
    if run.refused and "error" not in expect:
        findings.holds("the settings are accepted", truth=False, otherwise=run.refused)
        return
    for key, expected in expect.items():
        if key in COMMENTARY or check_document(key, expected, list(run.report.failure_records), findings):
            continue
        check = _CHECKS.get(key) or (_at_once if _AT_ONCE.fullmatch(key) else None)
        if check is None:
            raise Unreadable(f"cannot read expect: {key!r}")
        check(run, expected, findings)


def check_refusal(refused: str, expected: Any, findings: Findings) -> None:
    """Judge the words of a refusal, told as `Code, message` or as a message; the code is that of AWS's own API."""
    message = _ERROR_CODE.sub("", str(expected))
    findings.same("the words of the refusal", refused, message)


def _error(run: MappingRun, expected: Any, findings: Findings) -> None:
    check_refusal(run.refused, expected, findings)


def _invocations(run: MappingRun, expected: Any, findings: Findings) -> None:
    if isinstance(expected, int):
        findings.same("the number of invocations", len(run.report.invocations), expected)
        return
    if not isinstance(expected, list):
        raise Unreadable(f"cannot read expect: invocations {expected!r}")
    labels = [[run.label(place) for place in batch] for batch in run.batches]
    failed = [[run.ids.index(id_) for id_ in each.failed_records] for each in run.report.invocations]
    reported = [[run.label(place) for place in places] for places in failed]
    wanted = [each if isinstance(each, dict) else {"records": each} for each in expected]
    if any(each.keys() - {"records", "reported", *COMMENTARY} for each in wanted):
        raise Unreadable(f"cannot read expect: invocations {expected!r}")
    findings.same("the number of invocations", len(labels), len(wanted))
    for number, (each, records, left) in enumerate(zip(wanted, labels, reported, strict=False), 1):
        ours = len(records) if isinstance(each.get("records"), int) else records
        findings.same(f"the records of invocation {number}", ours, each.get("records", ours))
        findings.same(f"what invocation {number} left undone", left, each.get("reported", left))


def _records(run: MappingRun, expected: Any, findings: Findings) -> None:
    seen = sum(count > 0 for count in run.deliveries())
    findings.same("the number of records delivered", seen, expected)


def _deliveries(run: MappingRun, expected: Any, findings: Findings) -> None:
    ours = run.deliveries()
    wanted = [expected] * len(ours) if isinstance(expected, int) else expected
    findings.same("how often each record was delivered", ours, wanted)


def _receive_counts(run: MappingRun, expected: Any, findings: Findings) -> None:
    wanted = expected if isinstance(expected, list) else [expected]
    for id_ in run.ids:
        events: list[Any] = [each.event for each in run.report.invocations]
        counts = [
            record["attributes"]["ApproximateReceiveCount"]
            for event in events
            for record in event["Records"]
            if record["messageId"] == id_
        ]
        findings.same("ApproximateReceiveCount", counts, [str(each) for each in wanted])


def _redelivered_after(run: MappingRun, expected: Any, findings: Findings) -> None:
    moments = [each.attempt.at_s for each in run.report.invocations]
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    wanted = expected if isinstance(expected, list) else [expected] * len(gaps)
    findings.same("the seconds between deliveries", gaps, wanted or [expected])


def _then(run: MappingRun, expected: Any, findings: Findings) -> None:
    for clause in _clauses(expected):
        if not _told_aside(run, clause, findings):
            _end(run, clause, range(len(run.records)), findings)


def _clauses(told: Any) -> list[str]:
    """Split prose at its commas, and before what it says besides: `DLQ with the same MessageId`."""
    parts = [part for clause in split_clauses(str(told)) for part in _ASIDE.split(clause)]
    parts = [part.strip(" ()") if _SAME_MESSAGE.match(part) else part for part in parts if part.strip()]
    return [_JOINED.sub("", part) for part in parts]


def _told_aside(run: MappingRun, clause: str, findings: Findings) -> bool:
    """Judge a clause that is of no record's end; False when it is of one."""
    if _NO_DEAD_LETTER.fullmatch(clause):
        findings.same("what is dead-lettered", run.settled_as("dead_lettered"), [])
    elif _SAME_MESSAGE.fullmatch(clause):
        _same_message_id(run, expected=True, findings=findings)
        if "body" in clause:
            _dead_letter_body(run, "same", findings)
    elif _RETRIED.fullmatch(clause):
        findings.holds("each record is delivered again", min(run.deliveries()) > 1, str(run.deliveries()))
    else:
        return False
    return True


def _at_once(run: MappingRun, expected: Any, findings: Findings) -> None:
    """
    Judge that the messages of one group (or a shard) are never delivered side by side: each once, in their order.

    Ours answers an attempt before it makes the next one; how long a function takes changes no batch.
    """
    if expected not in (False, 1) or expected is True:
        raise Unreadable(f"cannot read expect: invocations at once {expected!r}")
    _order(run, "in order", findings)


def _end(run: MappingRun, expected: Any, places: Any, findings: Findings) -> None:
    for form, dispositions in _ENDS:
        if re.fullmatch(form, str(expected).strip().rstrip("."), re.IGNORECASE):
            findings.same(f"what ends as {dispositions[0]}", run.settled_as(*dispositions), list(places))
            return
    raise Unreadable(f"cannot read expect: the end {expected!r}")


def _dead_lettered(run: MappingRun, expected: Any, findings: Findings) -> None:
    if isinstance(expected, str) and _SAME_MESSAGE.fullmatch(expected):
        _told_aside(run, expected, findings)
        return
    _those("in the dead-letter queue", run, run.settled_as("dead_lettered"), expected, findings)


def _processed(run: MappingRun, expected: Any, findings: Findings) -> None:
    _those("processed", run, run.settled_as("processed"), expected, findings)


def _those(what: str, run: MappingRun, places: list[int], expected: Any, findings: Findings) -> None:
    if isinstance(expected, bool):
        findings.same(f"anything {what}", bool(places), expected)
    elif isinstance(expected, int):
        findings.same(f"how many are {what}", len(places), expected)
    elif isinstance(expected, list):
        findings.same(f"what is {what}", [_named(run, place, expected) for place in places], expected)
    elif expected in (None, "empty", "nothing"):
        findings.same(f"what is {what}", places, [])
    else:
        raise Unreadable(f"cannot read expect: {what} {expected!r}")


def _named(run: MappingRun, place: int, expected: list[Any]) -> Any:
    """Name a record as *expected* names them: whole, or by its label."""
    return _content(run, place) if any(isinstance(each, dict | str) for each in expected) else run.label(place)


def _content(run: MappingRun, place: int) -> Any:
    sent = run.sent[place] if place < len(run.sent) else None
    data = data_of(run.records[place])
    return data if isinstance(data, str) and not isinstance(sent, str) else sent if isinstance(sent, str) else data


def _delivered(run: MappingRun, expected: Any, findings: Findings) -> None:
    places = [place for place, count in enumerate(run.deliveries()) if count]
    _those("delivered", run, places, expected, findings)


def _filtered(run: MappingRun, expected: Any, findings: Findings) -> None:
    _those("filtered", run, run.settled_as("filtered"), expected, findings)


def _batches(run: MappingRun, expected: Any, findings: Findings) -> None:
    findings.same("the batches", run.batches, expected)


def _batch_sizes(run: MappingRun, expected: Any, findings: Findings) -> None:
    findings.same("the sizes of the batches", [len(batch) for batch in run.batches], expected)


def _per_record(run: MappingRun, expected: Any, findings: Findings) -> None:
    findings.same("how often each record was delivered", run.deliveries(), expected)


def _destination(run: MappingRun, expected: Any, findings: Findings) -> None:
    documents = list(run.report.failure_records)
    if isinstance(expected, bool | int):
        ours = bool(documents) if isinstance(expected, bool) else len(documents)
        findings.same("documents at the destination", ours, expected)
    elif isinstance(expected, dict):
        for key, value in expected.items():
            if not check_document(key, value, documents, findings):
                raise Unreadable(f"cannot read expect: destination {key!r}")
    elif expected in (None, "nothing", "empty", []):
        findings.same("documents at the destination", documents, [])
    else:
        raise Unreadable(f"cannot read expect: destination {expected!r}")


def _order(run: MappingRun, expected: Any, findings: Findings) -> None:
    """Each record once, in the order that is told, or within its group (or the stream) in the order of sending."""
    delivered = [place for batch in run.batches for place in batch]
    if isinstance(expected, list):
        findings.same("the order of delivery", [_named(run, place, expected) for place in delivered], expected)
        return
    if not _IN_ORDER.fullmatch(str(expected)):
        raise Unreadable(f"cannot read expect: order {expected!r}")
    for group in {_group_of(run, place) for place in delivered}:
        ours = [place for place in delivered if _group_of(run, place) == group]
        findings.same(f"the order of delivery of {group or 'all'}", ours, sorted(ours))


def _group_of(run: MappingRun, place: int) -> str:
    return str(run.records[place].get("attributes", {}).get("MessageGroupId", ""))


def _reported(run: MappingRun, expected: Any, findings: Findings) -> None:
    _those("reported to the destination", run, run.settled_as("sent_to_destination"), expected, findings)


def _elapsed(run: MappingRun, expected: Any, findings: Findings) -> None:
    findings.same("the seconds until the end", run.report.elapsed_s, expected)


def _outcome(run: MappingRun, expected: Any, findings: Findings) -> None:
    everything = list(range(len(run.records)))
    for clause in _clauses(expected):
        if _told_aside(run, clause, findings):
            continue
        if _UNTIL_THE_END.fullmatch(clause):
            whole = [sorted(batch) for batch in run.batches]
            findings.holds("the same batch each time", all(batch == whole[0] for batch in whole), str(whole))
            findings.same("what is given up", run.settled_as(*_NOT_DONE), everything)
            retries = run.source.maximum_retry_attempts
            if retries is not None:
                findings.same("retries", len(run.report.invocations) - 1, retries)
        elif _NO_RETRY.fullmatch(clause):
            findings.same("how often each record was delivered", run.deliveries(), [1] * len(everything))
        else:
            _end(run, clause, everything, findings)


def _dispositions(run: MappingRun, expected: Any, findings: Findings) -> None:
    findings.same("dispositions", [run.report.dispositions[id_] for id_ in run.ids], expected)


def _same_message_id(run: MappingRun, expected: Any, findings: Findings) -> None:
    letters: list[Any] = list(run.report.failure_records)
    ours = [letter.get("MessageId") for letter in letters]
    findings.same(
        "dead letters keep their message id",
        ours == [run.ids[p] for p in run.settled_as("dead_lettered")],
        bool(expected),
    )


def _dead_letter_body(run: MappingRun, expected: Any, findings: Findings) -> None:
    letters: list[Any] = list(run.report.failure_records)
    wanted = [run.records[place]["body"] for place in run.settled_as("dead_lettered")]
    if not re.search(r"as (?:it )?(?:is|was)|same|unchanged", str(expected)):
        wanted = [expected]
    findings.same("the bodies of dead letters", [parsed(letter["Body"]) for letter in letters], [
        parsed(each) if isinstance(each, str) else each for each in wanted
    ])  # fmt: skip


_CHECKS: dict[str, Check] = {
    "error": _error,
    "invocations": _invocations,
    "attempts": _invocations,
    "records": _records,
    "deliveries": _deliveries,
    "deliveries_per_record": _per_record,
    "ApproximateReceiveCount": _receive_counts,
    "redelivered_after_s": _redelivered_after,
    "delays_s": _redelivered_after,
    "then": _then,
    "outcome": _outcome,
    "dlq": _dead_lettered,
    "DLQ": _dead_lettered,
    "dead_lettered": _dead_lettered,
    "processed": _processed,
    "deleted": _processed,
    "delivered": _delivered,
    "filtered_out_and_deleted": _filtered,
    "filtered_out": _filtered,
    "filtered": _filtered,
    "batches": _batches,
    "batches_inferred": _batches,
    "batch_sizes": _batch_sizes,
    "destination": _destination,
    "dispositions": _dispositions,
    "order": _order,
    "sequential": lambda run, expected, findings: _at_once(run, 1 if expected is True else None, findings),
    "reported": _reported,
    "sent_to_destination": _reported,
    "elapsed_s": _elapsed,
    "records_delivered": _records,
    "records_per_invocation": _batch_sizes,
    "same_message_id": _same_message_id,
    "same_MessageId": _same_message_id,
    "dlq_body": _dead_letter_body,
}
