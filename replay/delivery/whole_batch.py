"""A batch that is tried again as it is until it is done: all or nothing, as of the message brokers."""

from collections.abc import Callable, Generator, Sequence

from replay.delivery.attempt import Attempt, Reply
from replay.delivery.report import DeliveryReport, Disposition, Invocation
from replay.delivery.request_ids import RequestIds
from replay.delivery.retry_delays import UNLIMITED_RETRIES, retry_delay_s


def deliver_whole_batch(
    text: str, record_ids: Sequence[str], *, retries: int | None, is_done: Callable[[Reply], bool]
) -> Generator[Attempt, Reply, DeliveryReport]:
    """
    Deliver an event until *is_done* says that it is, or its *retries* are used up: then it is `discarded`.

    Throttles use up no retries. Where nothing limits them (None) the records stay `still_queued` after a few. An event
    without records invokes nothing.
    """
    request_ids = RequestIds(text)
    invocations: list[Invocation] = []
    at_s = elapsed_s = 0.0
    unlimited = counted = 0
    disposition: Disposition | None = None if record_ids else "processed"
    while disposition is None:
        number = len(invocations) + 1
        ids = tuple(record_ids)
        attempt = Attempt(payload=text, record_ids=ids, number=number, at_s=at_s, request_id=request_ids(number))
        reply = yield attempt
        done = is_done(reply)
        invocations.append(Invocation(attempt=attempt, reply=reply, failed_records=() if done else ids))
        elapsed_s = max(elapsed_s, at_s + reply.duration_s)
        if reply.status == "throttled" or retries is None:
            unlimited += 1
        else:
            counted += 1
        if done:
            disposition = "processed"
        elif retries is not None and counted > retries:
            disposition = "discarded"
        elif unlimited > UNLIMITED_RETRIES:
            disposition = "still_queued"
        at_s += retry_delay_s(number, limited=True)
    notes: tuple[str, ...] = ()
    if disposition == "still_queued":
        notes = (f"nothing ends the retries: after {UNLIMITED_RETRIES} of them the records were left with the broker",)
    return DeliveryReport(
        invocations=tuple(invocations),
        dispositions=dict.fromkeys(record_ids, disposition),
        elapsed_s=elapsed_s,
        notes=notes,
    )
