"""The context object, and the clock."""

import json
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from replay.targets.local import LocalTarget
from tests.targets.conftest import attempt, table


def test_the_context_is_complete(service, answer):
    """Every attribute that Lambda documents is there, with the function's values and types."""
    code = """\
        def handler(event, context):
            return {
                "names": [context.function_name, context.function_version, context.memory_limit_in_mb],
                "arn": context.invoked_function_arn,
                "id": context.aws_request_id,
                "log": [context.log_group_name, context.log_stream_name],
                "identity": [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id],
                "none": [context.client_context, context.tenant_id, context.w3c()],
                "left": context.get_remaining_time_in_millis(),
                "shown": repr(context),
            }
        """
    found = json.loads(answer(service(code, memory_mb=512, timeout_s=7)).payload)
    assert found["names"] == ["orders", "$LATEST", "512"]
    assert found["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:orders"
    assert found["id"] == attempt().request_id
    assert found["log"][0] == "/aws/lambda/orders"
    assert "[$LATEST]" in found["log"][1]
    assert found["identity"] == [None, None]
    assert found["none"] == [None, None, {}]
    assert 6_000 < found["left"] <= 7_000
    assert "function_name=orders" in found["shown"]


def test_the_remaining_time_runs_out(service, answer):
    """The remaining time falls as the handler runs, and never below zero."""
    code = """\
        import time
        def handler(event, context):
            first = context.get_remaining_time_in_millis()
            time.sleep(0.03)
            context._deadline -= 100
            return [first > 4_900, context.get_remaining_time_in_millis()]
        """
    assert answer(service(code, timeout_s=5)).payload == "[true, 0]"


def test_an_attempt_without_an_id_gets_one(service):
    """Each invocation has a request id of its own where the attempt names none."""
    from replay.delivery.attempt import Attempt

    with LocalTarget(service("def handler(event, context): return context.aws_request_id")) as target:
        target.begin()
        assert len({target.invoke(Attempt(payload="{}")).payload for _ in range(3)}) == 3


CLOCK = """\
    import time
    from datetime import datetime, timezone
    def handler(event, context):
        return [datetime.now(timezone.utc).isoformat()[:16], time.strftime("%H:%M"), context.get_remaining_time_in_millis() > 2000]
    """
AT = datetime(2020, 2, 29, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize("at", [AT, AT.replace(tzinfo=None), AT.astimezone(timezone(timedelta(hours=5)))])
def test_a_captured_clock_shows_the_time_of_the_failure(service, at):
    """With `clock = "captured"` the function sees the time of the failure, in any zone that it is given in; afterwards it is now."""
    with LocalTarget(service(CLOCK, clock="captured")) as target:
        target.begin(at=at)
        assert json.loads(target.invoke(attempt()).payload) == ["2020-02-29T12:30", "12:30", True]
        assert datetime.now(UTC).year > 2020
        target.suspend()
        target.resume()
        assert json.loads(target.invoke(attempt()).payload)[0] == "2020-02-29T12:30"
        target.begin()
        assert json.loads(target.invoke(attempt()).payload)[0] > "2026"
    assert datetime.now(UTC).year > 2020


def test_the_clock_is_now_unless_it_is_asked_for(service):
    """Without `clock = "captured"` the time of the failure changes nothing."""
    with LocalTarget(service(CLOCK)) as target:
        target.begin(at=AT)
        assert json.loads(target.invoke(attempt()).payload)[0] > "2026"


def test_setup_and_aws_have_the_captured_time_too(service):
    """What `setup` makes is made at the captured time of each fixture, and calls to the mocked AWS work at that time."""
    function = service(
        {
            "app.py": "import boto3\ndef handler(event, context): return boto3.resource('dynamodb').Table('orders').scan()['Items'][0]['id']",
            "prepare.py": "import boto3, time\ndef fill(): boto3.resource('dynamodb').Table('orders').put_item(Item={'id': str(time.gmtime().tm_year)})",
        },
        setup="prepare:fill",
        clock="captured",
        resources=(table(),),
    )
    with LocalTarget(function) as target:
        years = []
        for year in (2020, 2021, 2021):
            target.begin(at=AT.replace(year=year, day=1))
            years.append(target.invoke(attempt()).payload)
    assert years == ['"2020"', '"2021"', '"2021"']


def test_durations_are_real_time(service):
    """How long an invocation took is measured by a clock that does not travel."""
    with LocalTarget(service("import time\ndef handler(event, context): time.sleep(0.02)", clock="captured")) as target:
        target.begin(at=AT)
        started = time.perf_counter()
        assert 0.02 <= target.invoke(attempt()).duration_s <= time.perf_counter() - started
