"""Records of streams as functions get them: members in AWS's order, values exact."""

import base64
import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from replay.payloads.envelopes.lambda_event import event_source_of
from replay.payloads.stream_events import dynamodb_record, kinesis_record, stream_event, unknown_role

KINESIS = "arn:aws-cn:kinesis:cn-north-1:111122223333:stream/clicks"
TABLE = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders/stream/2026-11-01T00:00:00.000"
AT = datetime(2026, 11, 21, 8, tzinfo=UTC)
TEXTS = st.text(max_size=20)
VALUES = st.one_of(
    st.builds(lambda text: {"S": text}, TEXTS),
    st.builds(lambda number: {"N": str(number)}, st.decimals(allow_nan=False, allow_infinity=False, places=20)),
    st.builds(lambda data: {"B": data}, st.binary(max_size=20)),
    st.builds(lambda each: {"BS": each}, st.lists(st.binary(max_size=5), max_size=3)),
    st.just({"NULL": True}),
)


def test_a_kinesis_record_has_the_members_of_aws_in_their_order() -> None:
    """As the Developer Guide's example event; the arrival keeps its milliseconds."""
    record = {"SequenceNumber": "49", "PartitionKey": "k", "Data": b"hello", "EncryptionType": "KMS",
              "ApproximateArrivalTimestamp": AT + timedelta(milliseconds=477)}  # fmt: skip
    text = kinesis_record(record, shard_id="shardId-000000000006", stream_arn=KINESIS, role_arn=unknown_role(KINESIS))
    assert text == (
        '{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"k","sequenceNumber":"49","data":"aGVsbG8=",'
        f'"approximateArrivalTimestamp":{AT.timestamp() + 0.477}}},"eventSource":"aws:kinesis","eventVersion":"1.0",'
        '"eventID":"shardId-000000000006:49","eventName":"aws:kinesis:record",'
        '"invokeIdentityArn":"arn:aws-cn:iam::111122223333:role/unknown","awsRegion":"cn-north-1",'
        f'"eventSourceARN":"{KINESIS}"}}'
    )
    source = event_source_of(stream_event([text, text]))
    assert source is not None
    assert (source.kind, source.arn) == ("kinesis", KINESIS)


def test_a_change_of_a_table_has_the_members_of_aws_in_their_order() -> None:
    """As the recording of AWS; what DynamoDB itself deleted says who did it."""
    change = {"StreamViewType": "NEW_IMAGE", "SizeBytes": 70, "SequenceNumber": "49", "Keys": {"id": {"S": "ü"}},
              "NewImage": {"n": {"N": "1.50"}, "b": {"B": b"\x00\xff"}}, "ApproximateCreationDateTime": AT}  # fmt: skip
    record = {
        "eventID": "e",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "awsRegion": "eu-west-1",
        "dynamodb": change,
    }
    expected = (
        '{"eventID":"e","eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1",'
        f'"dynamodb":{{"ApproximateCreationDateTime":{int(AT.timestamp())},"Keys":{{"id":{{"S":"ü"}}}},'
        '"NewImage":{"n":{"N":"1.50"},"b":{"B":"AP8="}},"SequenceNumber":"49","SizeBytes":70,'
        f'"StreamViewType":"NEW_IMAGE"}},"eventSourceARN":"{TABLE}"'
    )
    assert dynamodb_record(record, stream_arn=TABLE) == expected + "}"
    expired = {**record, "userIdentity": {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}}
    told = ',"userIdentity":{"principalId":"dynamodb.amazonaws.com","type":"Service"}}'
    assert dynamodb_record(expired, stream_arn=TABLE) == expected + told


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_every_value_of_an_item_is_exact(item: dict[str, dict[str, object]]) -> None:
    """Numbers are their text, binary is base64, and any text may be there, surrogates too."""
    record = {"dynamodb": {"SequenceNumber": "1", "NewImage": item, "ApproximateCreationDateTime": AT}}
    found = json.loads(dynamodb_record(record, stream_arn=TABLE))["dynamodb"]["NewImage"]
    assert found == {name: {kind: _in_base64(held) for kind, held in value.items()} for name, value in item.items()}


def test_a_lone_surrogate_can_be_written() -> None:
    """What is no UTF-8 is an escape, as JSON has it."""
    text = dynamodb_record({"dynamodb": {"SequenceNumber": "1", "Keys": {"id": {"S": "\ud800"}}}}, stream_arn=TABLE)
    assert text.encode()
    assert json.loads(text)["dynamodb"]["Keys"] == {"id": {"S": "\ud800"}}


def _in_base64(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return list(map(_in_base64, value)) if isinstance(value, list) else value
