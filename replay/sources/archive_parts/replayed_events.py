"""Events as a replay sends them, and as they were before it."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from replay.errors import InvalidJson
from replay.payloads.exact_json import Edit, Token, splice, string_value, tokens
from replay.sources.event_times import event_time

REPLAY_NAME = "replay-name"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedEvent:
    """
    An event out of an archive: `text` is exact but for the `replay-name` that the replay has added.

    `replay` is that name; empty when there was none.
    """

    text: str
    id: str
    sent_at: datetime | None
    replay: str


def replayed_event(body: str) -> ReplayedEvent:
    """
    Take the `replay-name` off an event, at any depth of its detail without recursion.

    Text that is no JSON object is given as it is.

    Source: recording test_start_list_describe_canceled_replay (a key of the event itself, beside `region`).
    """
    try:
        top = [token for token in tokens(body) if token.path is not None and token.path[0] is None]
    except InvalidJson:
        return ReplayedEvent(text=body, id="", sent_at=None, replay="")
    head = {
        str(token.path[1]): string_value(body[token.start : token.end])
        for token in top
        if token.path is not None and token.kind == "string"
    }
    return ReplayedEvent(
        text=_without(body, top, REPLAY_NAME),
        id=head.get("id", ""),
        sent_at=event_time(dict(head)),
        replay=head.get(REPLAY_NAME, ""),
    )


def _without(text: str, top: list[Token], name: str) -> str:
    """Take the members of this *name* out of an object, with the comma that is then one too many."""
    edits = []
    for key, value in pairwise(top):
        if key.kind == "key" and value.kind == "string" and key.path == value.path == (None, name):
            behind = text[value.end :].lstrip(" \t\r\n")
            if behind.startswith(","):
                end = len(text) - len(behind[1:].lstrip(" \t\r\n"))
                edits.append(Edit(key.start, end, ""))
            else:
                before = text[: key.start].rstrip(" \t\r\n")
                edits.append(Edit(len(before) - before.endswith(","), value.end, ""))
    return splice(text, edits)
