"""What a second delivery, and a cold start beside a warm one, tell of a real handler."""

import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from replay.expectations.judgement import Judgement
from replay.functions.function import Function
from replay.replayer.event_delivery import EventDelivery
from replay.replayer.further_deliveries import SecondDelivery, judged_twice, kept_notes, second_delivery
from replay.targets.local import LocalTarget
from tests.outcomes.aws_effects import outcome
from tests.replayer.test_replayer import fixture

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replay.replayer.further_deliveries._ANOTHER_SECOND_S", 0)


def service(folder: Path, source: str, **settings: Any) -> Function:
    (folder / "app.py").write_text(dedent(source))
    return Function(name="orders", handler="app.handler", code=folder, runtime=RUNTIME, **settings)


def notes_of(function: Function) -> list[str]:
    with LocalTarget(function, cold=True) as target:
        delivery = EventDelivery.of(fixture(), target, function)
        told = kept_notes(delivery, delivery.afresh())
        assert target.cold
        return told


def test_a_date_of_the_import_is_found_with_the_captured_clock(tmp_path: Path) -> None:
    """The clock is set forward between cold starts, so that a day that was asked for at import shows."""
    source = """
        import datetime
        DAY = datetime.date.today()
        def handler(event, context):
            return {"imported": str(DAY), "now": str(datetime.date.today())}
    """
    (note,) = notes_of(service(tmp_path, source, clock="captured"))
    assert "frozen at import: the answer imported: " in note


def test_a_second_that_passes_meanwhile_is_not_frozen(tmp_path: Path) -> None:
    """A handler whose value changes between cold starts by chance is looked at again, and cleared."""
    source = """
        import pathlib
        count = pathlib.Path(__file__).with_name("count")
        def handler(event, context):
            number = int(count.read_text()) if count.exists() else 0
            count.write_text(str(number + 1))
            return {"slow": [0, 0, 1, 2][number]}
    """
    assert notes_of(service(tmp_path, source)) == []


def test_a_warm_target_tells_nothing(tmp_path: Path) -> None:
    """Only who asks for cold starts gets them."""
    function = service(tmp_path, "import uuid\nX = uuid.uuid4().hex\ndef handler(event, context):\n    return X\n")
    with LocalTarget(function) as target:
        delivery = EventDelivery.of(fixture(), target, function)
        assert kept_notes(delivery, delivery.afresh()) == []


def test_a_handler_that_asks_first_is_idempotent(tmp_path: Path) -> None:
    """A conditional write lets the second delivery find that it has been here: nothing is sent again."""
    source = """
        import boto3
        from botocore.exceptions import ClientError
        s3, sns = boto3.client("s3", "us-east-1"), boto3.client("sns", "us-east-1")
        def handler(event, context):
            try:
                s3.head_bucket(Bucket="seen")
            except ClientError:
                s3.create_bucket(Bucket="seen")
                sns.create_topic(Name="told")
    """
    function = service(tmp_path, source)
    with LocalTarget(function) as target:
        delivery = EventDelivery.of(fixture(), target, function)
        first = delivery.afresh()
        assert [call.name for call in first.effects if call.error is None] == ["s3:CreateBucket", "sns:CreateTopic"]
        second = second_delivery(delivery, first)
        assert (second.outcome.status, second.new_writes, second.reason) == ("succeeded", (), "")
        again = delivery.afresh()
        assert [call.name for call in again.effects if call.error is None] == ["s3:CreateBucket", "sns:CreateTopic"]


KNOWN = Judgement(verdict="reproduced", as_expected=True, known_bug=True, reason="known bug, still there")
SURPRISE = Judgement(verdict="changed", as_expected=False, reason="it fails otherwise")


def test_new_writes_make_a_judgement_unexpected() -> None:
    """Also a known bug that is still there may not write again; a surprise stays one, and tells of both."""
    second = SecondDelivery(outcome=outcome(), reason="not idempotent: x")
    judged = judged_twice(KNOWN, second)
    assert (judged.verdict, judged.as_expected, judged.known_bug) == ("changed", False, False)
    assert judged.reason == "not idempotent: x"
    assert judged_twice(SURPRISE, second).reason == "it fails otherwise; not idempotent: x"


@pytest.mark.parametrize("judgement", [KNOWN, SURPRISE])
def test_no_new_writes_change_no_judgement(judgement: Judgement) -> None:
    """A second delivery that leaves everything as it is says nothing."""
    assert judged_twice(judgement, SecondDelivery(outcome=outcome())) is judgement
