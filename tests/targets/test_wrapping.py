"""An invoker around another one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from types import FunctionType
from typing import Any, Self

from replay.delivery.attempt import Attempt, Reply
from replay.fixtures.fixture import StoredObject
from replay.payloads.aws_calls import Fault
from replay.targets.base import Invoker
from replay.targets.wrapping import WrappingInvoker


class Around(WrappingInvoker):
    name = "around"

    def invoke(self, attempt: Attempt) -> Reply:
        return self._invoker.invoke(attempt)


class Inner(Invoker):
    """Takes down what it is asked for."""

    name = "inner"
    notes = ("a note",)

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def __enter__(self) -> Self:
        self.asked.append("enter")
        return self

    def __exit__(self, *_: object) -> None:
        self.asked.append("exit")

    def begin(self, *, at: datetime | None = None, faults: Sequence[Fault] = ()) -> None:
        self.asked.append(("begin", at, faults))

    def place_objects(self, objects: Sequence[StoredObject]) -> None:
        self.asked.append(("place_objects", objects))

    def invoke(self, attempt: Attempt) -> Reply:
        self.asked.append("invoke")
        return Reply(status="returned")

    def suspend(self) -> None:
        self.asked.append("suspend")

    def resume(self) -> None:
        self.asked.append("resume")


def test_what_it_is_asked_for_reaches_the_inner_one() -> None:
    """Objects, times and faults, stepping aside and the notes: nothing is lost on the way through."""
    inner, at = Inner(), datetime(2026, 1, 1, tzinfo=UTC)
    fault = Fault(call="s3:GetObject", error="NoSuchKey")
    stored = StoredObject(bucket="claims", key="1", file="claim-check-1.txt", text="{}")
    around = Around(inner)
    with around as entered:
        assert entered is around
        around.begin(at=at, faults=[fault])
        around.place_objects([stored])
        around.invoke(Attempt(payload="{}"))
        around.suspend()
        around.resume()
        assert around.notes == ("a note",)
    asked = ["enter", ("begin", at, [fault]), ("place_objects", [stored]), "invoke", "suspend", "resume", "exit"]
    assert inner.asked == asked


def test_it_passes_on_every_part_of_the_seam() -> None:
    """A new method of the seam that nobody passes on fails here: the base's own would do nothing, in silence."""
    seam = {name for name, value in vars(Invoker).items() if isinstance(value, FunctionType | property)}
    public = {name for name in seam if not name.startswith("_")} | {"__enter__", "__exit__"}
    assert public - {"invoke"} <= vars(WrappingInvoker).keys()
