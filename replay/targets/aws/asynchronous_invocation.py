"""Asynchronous invocations: the event itself is what is sent, and Lambda queues it."""

from collections.abc import Mapping
from typing import Any

from replay.errors import InvalidEvent
from replay.payloads.captures import Event
from replay.targets.carrier import Acknowledgement, Answer, Entry, Refusal

MOST_BYTES = 1024 * 1024
"""Lambda quotas: the payload of an asynchronous invocation, 1 MB since 2025."""

_ACCEPTED = 202


def invocation_entry(event: Event, *, key: str) -> Entry:
    """
    Give the one request that has Lambda queue *event*; it has no place for a marker.

    Raises:
        InvalidEvent: It is larger than Lambda queues.
    """
    payload = event.text.encode("utf-8", "surrogatepass")
    if len(payload) > MOST_BYTES:
        raise InvalidEvent(
            "the event is larger than Lambda queues",
            where=key,
            expected=f"{MOST_BYTES:,} bytes at most; it has {len(payload):,}",
            hint='invoke synchronously: invocation = "RequestResponse"',
        )
    return Entry(key=key, request={"Payload": payload}, size_bytes=len(payload))


def queued(client: Any, function: str, entry: Entry) -> Mapping[str, Answer]:
    """
    Have Lambda queue one event. What is acknowledged has a request id, which all its invocations have too.

    Source: Lambda API `Invoke` (Event); recording test_request_id_async_invoke_with_retry.
    """
    answer: Any = client.invoke(FunctionName=function, InvocationType="Event", **entry.request)
    if answer.get("StatusCode") != _ACCEPTED:
        return {entry.key: Refusal(code=f"status {answer.get('StatusCode')}", retryable=False)}
    request_id = str(answer.get("ResponseMetadata", {}).get("RequestId", ""))
    return {entry.key: Acknowledgement(identity=request_id)}
