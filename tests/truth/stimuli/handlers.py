"""
The function of a case, made from what the stimulus says of it.

`{"returns": JSON}` answers with that; `{"raises": …}` and `{"does": "raise"}` fail, with `errorType` and `errorMessage`
where they are given, and only `when` a condition holds; `{"does": "report records …"}` answers with
`batchItemFailures`; `{"does": "echo"}` answers with the event; `{"does": "time out"}` never answers, and `"sleep 5 s"`
does after that time. See `conditions` for conditions.
"""

import base64
import builtins
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.truth.checks.shapes import parsed
from tests.truth.stimuli.conditions import Condition, read_condition
from tests.truth.stimuli.words import is_json_value, json_value
from tests.truth.verdicts import Unreadable

_KEYS = frozenset({
    "does", "returns", "raises", "errorType", "errorMessage", "message", "when", "if", "while", "why", "note", "runtime",
    "timeout_s", "timeout", "Timeout", "TimeoutInSeconds", "timeout_seconds", "sleep_s", "sleeps_s", "times_out",
})  # fmt: skip
_TIMEOUTS = ("timeout_s", "Timeout", "timeout", "TimeoutInSeconds", "timeout_seconds")
_UNLESS_TOLD = ("Exception", "failed on purpose")
_CONDITION = (
    r"(?:,? (?P<word>while|when|if|unless|where|with|on|for|whose|that has|having)(?: (?:its|the))? (?P<condition>.+))?"
)
_RAISE = re.compile(
    rf"(?:always )?(?:raises?|fails?|throws?)(?: an?)?(?: (?P<type>\w*(?:Error|Exception)))?(?:: (?P<message>[^,]+?))?(?: always| every time)?{_CONDITION}"
)
_REPORT = re.compile(
    rf"(?:report|return|fail)s? (?P<which>every|all|each|any|the|the first|the last|first|last|no)?(?: the)? ?(?P<things>records?|messages?|items?|ids?|nothing)(?: as (?:failed|failures?))?{_CONDITION}"
)
_ECHO = re.compile(r"(?:echo|return)(?:e?s)?(?: back)?(?: the)? ?(?P<what>event|payload|event summary|summary)?")
_NOTHING = re.compile(
    r"(?:nothing|succeeds?|pass|returns? (?:nothing|null|None)|ok|do(?:es)? nothing|process(?:es)? (?:all|every|each).*)"
)
_RETURN = re.compile(r"returns? (?P<value>.+)")
_EXIT = re.compile(r"(?:calls? )?(?:sys\.exit|exits?)(?:\((?P<code>\d*)\))?(?: with(?: status)? (?P<status>\d+))?")
_TIME_OUT = re.compile(
    rf"(?:always )?(?:times? out|timeouts?|hangs?(?: forever)?|never (?:returns|answers)|"
    rf"(?:sleeps?|runs?|takes?) (?:longer|more) than (?:the|its) (?:\w+ )?timeout)"
    rf"(?: after (?P<seconds>[\d.]+) ?(?:s|seconds?))?{_CONDITION}"
)
_SLEEP = re.compile(
    r"(?:sleeps?|waits?|takes?|runs?)(?: for)? (?P<seconds>[\d.]+) ?(?:s|secs?|seconds?)(?:(?:,| and| then|, then)+ (?P<then>.+))?"
)
_MEGABYTES = re.compile(
    r"returns? (?:an? (?:answer|response|payload) of )?(?P<number>\d+) ?(?P<unit>MB|bytes)(?: of \w+)?"
)
TIMEOUT_S = 3.0  # Lambda's default
_ATTRIBUTE_NAMES = frozenset({
    "ApproximateReceiveCount", "MessageGroupId", "MessageDeduplicationId", "SequenceNumber", "messageId", "eventName",
    "sequenceNumber", "partitionKey", "body", "data", "attempt", "index",
})  # fmt: skip


class TimedOut(BaseException):
    """The function has not answered in time: nothing that it could catch itself."""

    def __init__(self, after_s: float) -> None:
        self.after_s = after_s
        super().__init__(after_s)


@dataclass(slots=True)
class Handler:
    """The function under delivery: `handler(event, context)`, with what it was asked and did; its seconds are virtual."""

    answer: Callable[[Any, Any, int], Any]
    request_ids: list[str] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    troubles: list[Unreadable] = field(default_factory=list)
    takes_s: float = 0.0
    timed_out_after_s: float | None = None
    __name__: str = "handler"

    def __call__(self, event: Any, context: Any) -> Any:
        self.request_ids.append(context.aws_request_id)
        self.timed_out_after_s = None
        try:
            self.answers.append(self.answer(event, context, len(self.request_ids)))
        except Unreadable as trouble:
            self.troubles.append(trouble)
            raise
        except TimedOut as ended:
            self.timed_out_after_s = ended.after_s
            raise
        return self.answers[-1]


def read_handler(told: Any, event_names: frozenset[str] = frozenset(), timeout_s: float = TIMEOUT_S) -> Handler:
    """
    Make the function that *told* describes; None is one that succeeds. *timeout_s* is when it times out, unless told.

    Raises:
        Unreadable: There are no words for it.
    """
    if told is None:
        return Handler(lambda *_: None)
    if isinstance(told, str):
        told = {"does": told}
    if not isinstance(told, dict) or told.keys() - _KEYS:
        raise Unreadable(f"cannot read stimulus handler: {told!r}")
    names = event_names | _ATTRIBUTE_NAMES
    if told.get("times_out"):
        told = {**told, "does": "time out"}
    if slept := next((told[key] for key in ("sleep_s", "sleeps_s") if key in told), None):
        rest = {key: told[key] for key in told.keys() - {"sleep_s", "sleeps_s"}}
        return _slow(rest if rest.keys() - _TIMEOUTS else None, float(slept), told, event_names)
    if "returns" in told:
        return Handler(_returning(told["returns"]))
    given = next((told[key] for key in ("when", "if", "while") if key in told), None)
    condition = read_condition(str(given), names) if given else None
    if "raises" in told:
        raised = told["raises"]
        error = raised if isinstance(raised, dict) else {"errorMessage": raised}
        return Handler(_raising(_error({**told, **error}), condition))
    words = told.get("does")
    if isinstance(words, str) and (found := _SLEEP.fullmatch(words.strip().rstrip("."))):
        return _slow(
            {**told, "does": found["then"]} if found["then"] else None, float(found["seconds"]), told, event_names
        )
    if isinstance(words, str):
        hangs = {"timeout_s": _timeout_of(told) or timeout_s}
        return Handler(_doing(words, {**told, **hangs}, condition, names))
    raise Unreadable(f"cannot read stimulus handler: {told!r}")


def _doing(words: str, told: Mapping[str, Any], condition: Condition | None, names: frozenset[str]) -> Any:
    words = words.strip().rstrip(".")
    made = _failing(words, told, condition, names) or _answering(words, condition, names)
    if made is None:
        raise Unreadable(f"cannot read stimulus handler: it does {words!r}")
    return made


def _failing(words: str, told: Mapping[str, Any], condition: Condition | None, names: frozenset[str]) -> Any:
    if found := _RAISE.fullmatch(words):
        type_, message = found["type"], found["message"]
        error = _error({**({"errorType": type_} if type_ else {}), **({"message": message} if message else {}), **told})
        return _raising(error, condition or _told(found, names))
    if found := _TIME_OUT.fullmatch(words):
        after_s = float(found["seconds"] or told["timeout_s"])
        return _hanging(after_s, condition or _told(found, names))
    if found := _EXIT.fullmatch(words):
        return _exiting(int(found["code"] or found["status"] or 0))
    return None


def _answering(words: str, condition: Condition | None, names: frozenset[str]) -> Any:
    if found := _MEGABYTES.fullmatch(words):
        size = int(found["number"]) * (1024 * 1024 if found["unit"] == "MB" else 1)
        return lambda *_: "x" * size
    if _NOTHING.fullmatch(words):
        return lambda *_: None
    if found := _ECHO.fullmatch(words):
        return _summary if "summary" in (found["what"] or "") else lambda event, *_: event
    if found := _REPORT.fullmatch(words):
        return _reporting(found["which"] or "", found["things"], condition or _told(found, names))
    if (found := _RETURN.fullmatch(words)) and is_json_value(found["value"]):
        return _returning(json_value(found["value"]))
    return None


def _told(found: re.Match[str], names: frozenset[str]) -> Condition | None:
    if not found["condition"]:
        return None
    condition = read_condition(found["condition"], names)
    return (lambda scope: not condition(scope)) if found["word"] == "unless" else condition


def _error(told: Mapping[str, Any]) -> Exception:
    name = str(told.get("errorType") or _UNLESS_TOLD[0])
    message = str(told.get("errorMessage", told.get("message", _UNLESS_TOLD[1])))
    known = getattr(builtins, name, None)
    kind = known if isinstance(known, type) and issubclass(known, Exception) else Exception
    # Of this name and this text, whatever the arguments and the text of such an exception usually are.
    told_error = type(
        name, (kind,), {"__str__": lambda _: message, "__init__": lambda self: Exception.__init__(self, message)}
    )
    error: Exception = told_error()
    return error


def _raising(error: Exception, condition: Condition | None) -> Any:
    def answer(event: Any, context: Any, number: int) -> Any:
        if condition is None or any(condition(scope) for scope in scopes(event, number)):
            raise error.with_traceback(None)

    return answer


def _timeout_of(told: Mapping[str, Any]) -> float | None:
    found = next((told[key] for key in _TIMEOUTS if key in told), None)
    try:
        return None if found is None else float(found)
    except (TypeError, ValueError):
        raise Unreadable(f"cannot read stimulus: a timeout of {found!r}") from None


def _hanging(after_s: float, condition: Condition | None) -> Any:
    def answer(event: Any, context: Any, number: int) -> Any:
        if condition is None or any(condition(scope) for scope in scopes(event, number)):
            raise TimedOut(after_s)

    return answer


def _slow(then: Any, seconds: float, told: Mapping[str, Any], names: frozenset[str]) -> Handler:
    """A function that takes its time is given it, unless its own timeout is told."""
    timeout_s = _timeout_of(told)
    if timeout_s is not None and seconds > timeout_s:
        return Handler(_hanging(timeout_s, None))
    handler = read_handler(then, names)
    handler.takes_s = seconds
    return handler


def _exiting(code: int) -> Any:
    def answer(*_: Any) -> None:
        raise SystemExit(code)

    return answer


def _returning(value: Any) -> Any:
    def answer(event: Any, *_: Any) -> Any:
        return _filled(value, [str(identifier) for identifier in item_identifiers(event)])

    return answer


def _filled(value: Any, identifiers: list[str]) -> Any:
    """Put the identifiers of the batch's records in the place of `<sequence-number:2>` and the like."""
    if isinstance(value, dict):
        return {key: _filled(each, identifiers) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, identifiers) for each in value]
    if isinstance(value, str) and (found := re.fullmatch(r"<[a-zA-Z -]+(?::(\d+))?>", value)):
        place = int(found[1] or 1) - 1
        return identifiers[place] if place < len(identifiers) else value
    return value


def _reporting(which: str, things: str, condition: Condition | None) -> Any:
    def answer(event: Any, context: Any, number: int) -> Any:
        identifiers = list(item_identifiers(event))
        chosen = [
            identifier
            for identifier, scope in zip(identifiers, _record_scopes(event, number), strict=True)
            if condition is None or condition(scope)
        ]
        if which == "no" or things == "nothing":
            chosen = []
        elif "first" in which:
            chosen = chosen[:1]
        elif "last" in which:
            chosen = chosen[-1:]
        return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in chosen]}

    return answer


def _summary(event: Any, context: Any, _: int) -> Any:
    """Answer as the functions of the recordings do that show what they were given."""
    names = (
        "invoked_function_arn", "function_version", "function_name", "memory_limit_in_mb", "aws_request_id",
        "log_group_name", "log_stream_name", "client_context",
    )  # fmt: skip
    return {"event": event, "context": {name: getattr(context, name) for name in names}}


def item_identifiers(event: Any) -> Iterator[Any]:
    """Give what a partial batch response names of each record."""
    for record in records_in(event):
        inner = record.get("kinesis") or record.get("dynamodb") or {}
        yield record.get("messageId") or inner.get("sequenceNumber") or inner.get("SequenceNumber")


def records_in(event: Any) -> list[dict[str, Any]]:
    """List the records of an event, which has none when it is not of a batch."""
    records = event.get("Records") if isinstance(event, dict) else None
    return records if isinstance(records, list) else []


def scopes(event: Any, number: int) -> Iterator[dict[str, Any]]:
    """Give what conditions look names up in: each record, or the event where it has none."""
    found = list(_record_scopes(event, number))
    yield from found or [{**(event if isinstance(event, dict) else {}), "attempt": number}]


def _record_scopes(event: Any, number: int) -> Iterator[dict[str, Any]]:
    for index, record in enumerate(records_in(event)):
        inner = record.get("kinesis") or record.get("dynamodb") or {}
        data = data_of(record)
        members = {name: _plain(value) for name, value in data.items()} if isinstance(data, dict) else {}
        yield {
            **record, **record.get("attributes", {}), **inner, **members,
            "is_json": not isinstance(data, str), "attempt": number, "index": index,
        }  # fmt: skip


def _plain(value: Any) -> Any:
    """Take the type off a DynamoDB attribute value of a simple type."""
    if isinstance(value, dict) and len(value) == 1:
        (kind, held), *_ = value.items()
        if kind in {"S", "BOOL"}:
            return held
        if kind == "N":
            return parsed(str(held))
        if kind == "NULL":
            return None
    return value


def data_of(record: Mapping[str, Any]) -> Any:
    """Open what the producer wrote into a record."""
    if "kinesis" in record:
        return parsed(base64.b64decode(record["kinesis"]["data"]).decode("utf-8", "replace"))
    if "dynamodb" in record:
        return record["dynamodb"].get("NewImage", {})
    body = record.get("body")
    return parsed(body) if isinstance(body, str) else body
