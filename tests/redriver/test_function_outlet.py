"""A function is invoked again with the very event that it failed on, and nothing but Lambda's own 202 acknowledges it."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import ReplayError
from replay.redriver.function_outlet import FunctionOutlet
from replay.redriver.queue_outlet import QueueOutlet
from replay.redriver.routes import ANY, Routes
from replay.sources.sqs_queue import Queue
from tests.redriver.letters import FUNCTION_ARN, QUEUE_ARN, dead_letter, message, record

EXACT = '{"total": 1.10,  "total": 2, "name": "\\u00fc\\ud800"}'


class Lambda:
    """Takes invocations; answers with `status` and ever new request ids, or raises `error`."""

    def __init__(self, status: int = 202, error: Exception | None = None, request_ids: Any = None) -> None:
        self.status, self.error = status, error
        self.request_ids = request_ids or iter(f"new-{number}" for number in range(99))
        self.asked: list[dict[str, Any]] = []

    def invoke(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        if self.error is not None:
            raise self.error
        return {"StatusCode": self.status, "ResponseMetadata": {"RequestId": next(self.request_ids)}}


def error(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Invoke")


@pytest.mark.parametrize("capture", [dead_letter(EXACT), message(record(EXACT))], ids=["dead letter", "destination"])
def test_the_very_event_is_invoked_with_again(capture: Any) -> None:
    """Asynchronously, as it was the first time; byte for byte, also out of a destination's record."""
    client = Lambda()
    answered = FunctionOutlet(client, FUNCTION_ARN).send([capture])
    assert client.asked == [
        {"FunctionName": FUNCTION_ARN, "InvocationType": "Event", "Payload": EXACT.encode("utf-8", "surrogatepass")}
    ]
    assert answered.done == {"m-1": {"request_id": "new-0"}}


@given(st.text(max_size=50))
def test_whatever_a_letter_holds_its_event_is_not_changed(text: str) -> None:
    """What is not JSON was never an event of Lambda's, and goes as the JSON string that a function can receive."""
    event, _ = FunctionOutlet(Lambda(), FUNCTION_ARN).letter(dead_letter(text))
    assert event.text == text or event.text.startswith('"')


@pytest.mark.parametrize(
    ("client", "kind"),
    [
        (Lambda(error=error("TooManyRequestsException", 429)), "throttled"),
        (Lambda(error=error("ServiceException", 500)), "unknown"),
        (Lambda(error=ConnectionResetError()), "unknown"),
        (Lambda(error=error("InvalidRequestContentException", 400)), "refused"),
        (Lambda(status=200), "unknown"),
    ],
)
def test_only_202_is_an_acknowledgement(client: Lambda, kind: str) -> None:
    """A throttle did nothing, an error of the server or the line leaves doubt, and a refusal is final."""
    answered = FunctionOutlet(client, FUNCTION_ARN).send([dead_letter("{}")])
    assert answered.done == {}
    assert set(getattr(answered, kind)) == {"m-1"}
    assert answered.final == (frozenset({"m-1"}) if kind == "refused" else frozenset())


def test_the_answer_to_another_invocation_acknowledges_nothing() -> None:
    """An answer that a proxy gives twice has a request id that is known: the second invocation is in doubt."""
    outlet = FunctionOutlet(Lambda(request_ids=iter(["x", "x"])), FUNCTION_ARN)
    assert outlet.send([dead_letter("{}", identity="m-1")]).done
    assert outlet.send([dead_letter("{}", identity="m-2")]).unknown == {"m-2": "NoAnswer"}


@pytest.mark.parametrize("capture", [message(record(None)), message("{}")], ids=["cut off", "no dead letter"])
def test_without_its_event_nothing_is_invoked(capture: Any) -> None:
    """A record whose payload was too large to keep, or any other message, cannot be given back to a function."""
    client = Lambda()
    outlet = FunctionOutlet(client, FUNCTION_ARN)
    with pytest.raises(ReplayError):
        outlet.letter(capture)
    assert set(outlet.send([capture]).refused) == {"m-1"}
    assert client.asked == []


def test_it_returns_under_its_request_id() -> None:
    """Lambda writes the request id of the invocation into the dead letter: by it one that came back is known."""
    outlet = FunctionOutlet(Lambda(), FUNCTION_ARN)
    assert outlet.returns_as(dead_letter("{}", request_id="new-7")) == "new-7"
    assert outlet.returns_as(message(record("{}", request_id="new-8"))) == "new-8"
    assert outlet.returns_as(message("{}")) == ""


def test_each_letter_goes_where_it_failed() -> None:
    """Messages to their queues, letters to their functions; where that is not known it is said, not guessed."""
    other_arn = FUNCTION_ARN + "-other"
    queue = QueueOutlet(SimpleNamespace(), Queue(url="u", arn=QUEUE_ARN.replace("-dlq", "")))
    one, other = FunctionOutlet(None, FUNCTION_ARN), FunctionOutlet(None, other_arn)
    both = Routes(queues={queue.arn: queue}, functions={FUNCTION_ARN: one})
    assert both.way_back(message("{}")) is queue
    assert both.way_back(dead_letter("{}")) is one
    two = Routes(functions={FUNCTION_ARN: one, other_arn: other})
    assert two.way_back(message(record("{}", function=other_arn))) is other
    assert "--to lambda:FUNCTION" in str(two.way_back(dead_letter("{}")))
    assert "no dead letter of a function" in str(two.way_back(message("{}")))
    elsewhere = Routes(functions={FUNCTION_ARN: one}).way_back(message(record("{}", function=other_arn)))
    assert "orders-other" in str(elsewhere)
    named = Routes(functions={ANY: one})
    assert named.way_back(message(record("{}", function=other_arn))) is one
    assert Routes(queues={ANY: queue}).way_back(dead_letter("{}")) is queue
