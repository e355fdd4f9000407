"""Faults as users write them."""

import pytest

from replay.errors import ConfigurationError
from replay.payloads.aws_calls import Fault
from replay.payloads.fault_reading import checked_fault, fault_of_text, read_faults

PUT = "dynamodb:PutItem"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (f"{PUT}=ThrottlingException", Fault(call=PUT, error="ThrottlingException")),
        ("sqs:*=timeout", Fault(call="sqs:*", error="timeout")),
        ("s3:Get*=2.5s", Fault(call="s3:Get*", latency_s=2.5)),
        ("s3:*=30s", Fault(call="s3:*", latency_s=30)),
        (
            "sqs:SendMessage=AWS.SimpleQueueService.NonExistentQueue",
            Fault(call="sqs:SendMessage", error="AWS.SimpleQueueService.NonExistentQueue"),
        ),
        (
            " bedrock-runtime:InvokeModel = ThrottlingException ",
            Fault(call="bedrock-runtime:InvokeModel", error="ThrottlingException"),
        ),
    ],
)
def test_the_command_line_says_call_and_error(text, fault):
    """`CALL=ERROR`, `CALL=timeout` and `CALL=SECONDSs`."""
    assert fault_of_text(text, where="--fault") == fault


@pytest.mark.parametrize("text", ["", PUT, f"{PUT}=", "=Throttling", "PutItem=Throttling", "dynamodb:=X", "a b:c=X"])
def test_what_is_no_fault_says_so(text):
    """A text that names no call or no error is refused, with an example."""
    with pytest.raises(ConfigurationError) as caught:
        fault_of_text(text, where="--fault")
    assert caught.value.where == "--fault"
    assert caught.value.expected


def test_a_test_gives_a_mapping_or_values():
    """Errors by call, values by call, or a list of faults."""
    fault = Fault(call="s3:*", error="SlowDown", times=1)
    assert read_faults({PUT: "timeout", "s3:*": fault}, where="faults") == (Fault(call=PUT, error="timeout"), fault)
    assert read_faults([fault], where="faults") == (fault,)
    assert read_faults(None, where="faults") == ()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(call=PUT),
        Fault(call="PutItem", error="X"),
        Fault(call=PUT, error="X", skip=-1),
        Fault(call=PUT, error="X", times=0),
        Fault(call=PUT, latency_s=-1),
        "dynamodb:PutItem",
    ],
)
def test_a_fault_that_can_never_happen_is_refused(fault):
    """One without effect, without a call, or with counts that cannot be."""
    with pytest.raises(ConfigurationError):
        checked_fault(fault, where="here")
