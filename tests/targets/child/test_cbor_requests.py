"""Requests in CBOR, answered by an AWS that speaks JSON."""

import json
from datetime import UTC, datetime

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from replay.targets.aws.service_models import service_model
from replay.targets.child.cbor_requests import CBOR, answer_in_cbor, decoded, operation_in_path, speaks_cbor
from tests.targets.child.test_aws_requests import environ


def operation(name):
    return service_model("cloudwatch").operation_model(name)


def request_of(name, parameters):
    """Give a request as botocore would send it, and its body."""
    sent = create_serializer(CBOR, include_validation=False).serialize_to_request(parameters, operation(name))
    headers = {**sent["headers"]}
    return environ("POST", sent["url_path"], service="monitoring", body=sent["body"], headers=headers), sent["body"]


def read(answer, name):
    """Read an answer as botocore would."""
    headers = {key.lower(): value for key, value in answer.headers.items()}
    given = {"status_code": answer.status, "headers": headers, "body": answer.body, "context": {}}
    return create_parser(CBOR).parse(given, operation(name).output_shape)


texts = st.text(max_size=40)
metrics = st.fixed_dictionaries(
    {"MetricName": texts},
    optional={
        "Value": st.floats(allow_nan=False),
        "Values": st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=30),
        "StorageResolution": st.integers(0, 2**31 - 1),
        "Dimensions": st.lists(st.fixed_dictionaries({"Name": texts, "Value": texts}), max_size=3),
        "Timestamp": st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    },
)


@given(parameters=st.fixed_dictionaries({"Namespace": texts, "MetricData": st.lists(metrics, max_size=30)}))
def test_what_was_said_is_read(parameters):
    """Every type, of every length: what botocore writes comes back as it was."""
    there, body = request_of("PutMetricData", parameters)
    assert speaks_cbor(there)
    assert operation_in_path(there) == "PutMetricData"
    assert decoded(body, operation("PutMetricData").input_shape) == parameters


def test_moto_answers_in_cbor():
    """A result with times and numbers, and an empty one."""
    moment = datetime.now(UTC).replace(second=0, microsecond=0)
    data = {"MetricName": "late", "Value": 1.5, "Timestamp": moment}
    measured = {
        "StartTime": moment,
        "EndTime": datetime.fromtimestamp(moment.timestamp() + 60, UTC),
        "MetricDataQueries": [
            {"Id": "a", "MetricStat": {"Metric": {"Namespace": "orders", "MetricName": "late"}, "Period": 60, "Stat": "Sum"}}
        ],
    }  # fmt: skip
    with mock_aws():
        moto = DomainDispatcherApplication(create_backend_app)
        ends = [
            read(answer_in_cbor(*request_of(name, parameters), operation(name), moto), name)
            for name, parameters in [
                ("PutMetricData", {"Namespace": "orders", "MetricData": [data]}),
                ("GetMetricData", measured),
            ]
        ]
    assert ends[0]["ResponseMetadata"]["HTTPStatusCode"] == 200
    (series,) = ends[1]["MetricDataResults"]
    assert (series["Timestamps"], series["Values"]) == ([moment], [1.5])


def test_an_error_of_aws_is_one_in_cbor():
    """Its code and message reach the client, whatever casing the JSON has."""

    def refusing(there, start_response):
        assert there["HTTP_X_AMZ_TARGET"] == "GraniteServiceVersion20100801.ListMetrics"
        assert json.loads(there["wsgi.input"].read()) == {"Namespace": "orders"}
        start_response("400 Bad Request", [])
        return [b'{"__type": "com.amazonaws#InvalidParameterValueException", "Message": "no"}']

    answer = answer_in_cbor(*request_of("ListMetrics", {"Namespace": "orders"}), operation("ListMetrics"), refusing)
    assert answer.status == 400
    error = read(answer, "ListMetrics")["Error"]
    assert (error["Code"], error["Message"]) == ("InvalidParameterValue", "no")


@pytest.mark.parametrize("body", [b"\xff", b"\x1b", b"\x81" * 100_000, b"\xa1\x01", b"\x9f"])
def test_what_is_no_cbor_raises(body):
    """A broken or endlessly nested body is refused; it reads nothing and takes no time."""
    with pytest.raises(Exception):  # noqa: B017 - botocore's own, struct's, or RecursionError
        decoded(body, operation("ListMetrics").input_shape)
