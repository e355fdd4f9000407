"""AWS calls on the screen and in JSON."""

from replay.payloads.aws_calls import AwsCall, AwsError, Fault
from replay.reports.effect_lines import effect_document, effect_lines, fault_words

PUT = AwsCall(service="dynamodb", operation="PutItem", parameters={"TableName": "orders"}, result={})


def line(call):
    return effect_lines([call])[-1].strip()


def test_a_call_is_a_short_line():
    """Its name, what it is about, and its error; a fault's is marked."""
    denied = AwsError(code="AccessDenied", message="long and boring")
    queue = {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/jobs", "MessageBody": "secret"}
    assert line(PUT) == "dynamodb:PutItem orders"
    assert line(AwsCall(service="sqs", operation="SendMessage", parameters=queue, result={})) == "sqs:SendMessage jobs"
    assert (
        line(AwsCall(service="s3", operation="GetObject", parameters={"Bucket": "b", "Key": "k"}, error=denied))
        == "s3:GetObject b/k AccessDenied"
    )
    assert line(AwsCall(service="sts", operation="GetCallerIdentity", error=denied, injected=True)) == (
        "sts:GetCallerIdentity AccessDenied (fault)"
    )


def test_only_the_last_are_shown():
    """A function that calls a thousand times fills no screen, and none that calls nothing has a heading."""
    assert effect_lines([]) == []
    shown = effect_lines([PUT] * 1_012)
    assert len(shown) == 12
    assert shown[1] == "  … 1,002 before"


def test_hostile_names_stay_on_their_line():
    """A table's name from a payload neither breaks the line nor reaches the terminal's controls."""
    call = AwsCall(
        service="dynamodb", operation="PutItem", parameters={"TableName": "a\n\x1b[31m" + "x" * 500}, result={}
    )
    assert "\n" not in line(call)
    assert "\x1b" not in line(call)
    assert len(line(call)) < 130


def test_the_document_has_it_all():
    """Programs get parameters, result and error as they are."""
    failed = AwsCall(service="s3", operation="PutObject", error=AwsError(code="SlowDown", message="m"), injected=True)
    assert effect_document(PUT) == {
        "call": "dynamodb:PutItem", "parameters": {"TableName": "orders"}, "result": {}, "error": None, "injected": False,
        "attempts": 1,
    }  # fmt: skip
    assert effect_document(failed)["error"] == {"code": "SlowDown", "message": "m"}
    assert effect_document(failed)["result"] is None


def test_retries_are_said():
    """How often the SDK tried is shown where it was more than once."""
    failed = AwsCall(service="s3", operation="PutObject", error=AwsError(code="SlowDown"), injected=True, attempts=3)
    assert line(failed) == "s3:PutObject SlowDown (fault) after 3 attempts"


def test_faults_in_words():
    """What a call meets: an error, latency, or both."""
    assert fault_words(Fault(call="s3:*", error="SlowDown", latency_s=2)) == "s3:* meets SlowDown and 2 s of latency"
    assert fault_words(Fault(call="s3:*", latency_s=0.5)) == "s3:* meets 0.5 s of latency"
