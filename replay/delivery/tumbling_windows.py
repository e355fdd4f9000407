"""
Tumbling windows of Kinesis and DynamoDB mappings: the event that carries state, and the answer that gives it.

Source of all of it: Lambda developer guide, "Implementing stateful Kinesis Data Streams processing in Lambda". Nothing
of it is recorded.
"""

from dataclasses import dataclass

from replay.delivery.moments import seconds
from replay.delivery.records import Span, member
from replay.errors import InvalidJson
from replay.payloads.exact_json import Edit, parse, splice, string_token, write

STATE_LIMIT_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowMembers:
    """What a window adds to an event; `state` is JSON text, the window's bounds are epoch time."""

    start_s: float
    length_s: int
    state: str
    shard_id: str
    stream_arn: str | None
    is_final: bool
    terminated_early: bool


def window_start_s(arrived_s: float, length_s: int) -> float:
    """Give the start of the window that a record belongs to by its arrival: windows are aligned to the epoch."""
    return arrived_s // length_s * length_s


def is_window_event(text: str) -> bool:
    """Say whether an event was captured from a mapping with tumbling windows."""
    return member(text, Span(0, len(text)), "isFinalInvokeForWindow") is not None


def window_event(text: str, members: WindowMembers) -> str:
    """
    Add the members of a window to an event, in the order of the guide's example.

    Those that the event has already, as it was captured from such a mapping, are replaced where they stand.
    """
    values = {
        "window": write({"start": seconds(members.start_s), "end": seconds(members.start_s + members.length_s)}),
        "state": members.state,
        "shardId": string_token(members.shard_id),
        "eventSourceARN": write(members.stream_arn),
        "isFinalInvokeForWindow": write(members.is_final),
        "isWindowTerminatedEarly": write(members.terminated_early),
    }
    end = text.rindex("}")
    edits, added = [], ""
    for name, value in values.items():
        found = member(text, Span(0, len(text)), name)
        if found:
            edits.append(Edit(found.start, found.end, value))
        else:
            added += f", {string_token(name)}: {value}"
    return splice(text, [*edits, Edit(end, end, added)])


def read_state(payload: str | None) -> str | None:
    """Give the `state` of an answer as the JSON text that it is; None is a failed invocation, as the guide says."""
    if not payload:
        return None
    try:
        answer = parse(payload)
    except InvalidJson:
        return None
    if not isinstance(answer, dict) or "state" not in answer:
        return None
    found = member(payload, Span(0, len(payload)), "state")
    return payload[found.start : found.end] if found else None


def overflows(state: str) -> bool:
    """Say whether a state is over 1 MB, which ends its window early."""
    return len(state.encode("utf-8", "surrogatepass")) > STATE_LIMIT_BYTES
