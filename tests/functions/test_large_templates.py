"""Whole templates as teams have them: functions, environment, event sources and resources all come out right."""

import shutil
from pathlib import Path

import pytest

from replay.functions.catalog import Catalog, build_catalog
from replay.functions.function import Function
from replay.payloads.event_sources import EventSource

HERE = Path(__file__).parent / "large_templates"
FOLDERS = ("src", "src/orders", "src/stream", "src/api", "layers/shared")
ACCOUNT = "us-east-1:123456789012"


@pytest.fixture
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Catalog:
    """Give the catalog of one of the projects, with the folders that its template names."""
    shutil.copytree(HERE / request.param, tmp_path / "project")
    for folder in FOLDERS:
        (tmp_path / "project" / folder).mkdir(parents=True, exist_ok=True)
    return build_catalog(root=tmp_path / "project", settings={}, templates=())


def sources(function: Function, kind: str) -> list[EventSource]:
    return [source for source in function.event_sources if source.kind == kind]


@pytest.mark.parametrize("catalog", ["sam"], indirect=True)
class TestSam:
    """Globals, language extensions, loops, mappings, conditions, and events of every type."""

    def test_functions(self, catalog: Catalog) -> None:
        """Every function is there, those of a loop too, with what it takes from Globals and what it says itself."""
        assert catalog.names() == ["ApiFn", "Orders", "dev-stream", "worker-alpha", "worker-beta"]
        orders, stream = catalog.get("orders"), catalog.get("dev-stream")
        assert (orders.timeout_s, orders.memory_mb, orders.code.name) == (20, 256, "orders")
        assert (stream.timeout_s, stream.memory_mb, stream.code.name) == (60, 512, "stream")
        assert [layer.name for layer in orders.layers] == ["shared"]

    def test_environment(self, catalog: Catalog) -> None:
        """Every intrinsic function gives a value that a handler can work with."""
        found = catalog.get("orders").environment
        assert found == {
            "STAGE": "dev",
            "LOG_LEVEL": "DEBUG",
            "TABLE": "local-Table",
            "QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/local-dev-orders.fifo",
            "DLQ_ARN": f"arn:aws:sqs:{ACCOUNT}:local-OrdersDlq.fifo",
            "URL": "https://local-shop-host/dev/us-east-1",
            "PASSWORD": "local-password",
            "PARAM": "local-limit",
            "SECURE": "local-pass",
            "VPC": "local-VpcId",
            "FIRST": "alpha",
            "JOINED": "alpha|beta",
            "TOPIC": "local-Topic",
            "SECRET": f"arn:aws:secretsmanager:{ACCOUNT}:secret:shop/db",
            "JSON": '{"a":"dev","b":[1,2]}',
            "COUNT": "3",
            "BUS": f"arn:aws:events:{ACCOUNT}:event-bus/shop",
            "STREAM": f"arn:aws:dynamodb:{ACCOUNT}:table/local-Table/stream/2000-01-01T00:00:00.000",
            "LITERAL": f"${{Literal}} arn:aws:dynamodb:{ACCOUNT}:table/local-Table",
        }

    def test_queues(self, catalog: Catalog) -> None:
        """A FIFO queue with filters and partial batches, and the queue that SAM puts between topic and function."""
        queue, between = sources(catalog.get("orders"), "sqs")
        assert queue == EventSource(
            kind="sqs",
            arn=f"arn:aws:sqs:{ACCOUNT}:local-dev-orders.fifo",
            fifo=True,
            batch_size=7,
            report_batch_item_failures=True,
            filter_criteria=('{"body": {"kind": ["order"]}}', '{"body": {"stage": ["dev"]}}'),
            max_receive_count=4,
            visibility_timeout_s=120,
            dead_letter_queue=f"arn:aws:sqs:{ACCOUNT}:local-OrdersDlq.fifo",
            maximum_concurrency=10,
            reserved_concurrency=5,
        )
        assert str(between.arn).endswith("OrdersTQQueue")

    @pytest.mark.parametrize("kind", ["sns", "s3", "eventbridge", "schedule", "async"])
    def test_asynchronous_sources(self, catalog: Catalog, kind: str) -> None:
        """What invokes asynchronously is retried and ends as the function's EventInvokeConfig says."""
        found = sources(catalog.get("orders"), kind)
        assert len(found) == (2 if kind == "schedule" else 1)
        for source in found:
            assert (source.maximum_retry_attempts, source.maximum_event_age_s) == (1, 300)
            assert source.on_failure == source.dead_letter_queue == f"arn:aws:sqs:{ACCOUNT}:local-Failures"
            assert source.on_success == f"arn:aws:events:{ACCOUNT}:event-bus/shop"

    def test_streams(self, catalog: Catalog) -> None:
        """Every setting of a stream's mapping, and the mappings of Kafka and MQ."""
        function = catalog.get("dev-stream")
        (kinesis,) = sources(function, "kinesis")
        assert kinesis == EventSource(
            kind="kinesis",
            arn=f"arn:aws:kinesis:{ACCOUNT}:stream/local-Clicks",
            batch_size=50,
            maximum_batching_window_s=5,
            report_batch_item_failures=True,
            maximum_retry_attempts=2,
            maximum_record_age_s=3600,
            bisect_batch_on_function_error=True,
            parallelization_factor=2,
            tumbling_window_s=30,
            on_failure=f"arn:aws:sqs:{ACCOUNT}:local-Failures",
        )
        assert sources(function, "dynamodb")[0].filter_criteria == ('{"eventName": ["INSERT"]}',)
        assert (len(sources(function, "kafka")), len(sources(function, "mq"))) == (2, 1)

    def test_apis(self, catalog: Catalog) -> None:
        """Both kinds of API, through an alias; a function URL; a state machine."""
        assert {source.kind for source in catalog.get("ApiFn").event_sources} == {
            "apigateway", "httpapi", "stepfunctions",
        }  # fmt: skip
        assert sources(catalog.get("orders"), "function_url")

    def test_resources(self, catalog: Catalog) -> None:
        """What a condition leaves out is not there."""
        names = {resource.logical_id for resource in catalog.get("orders").resources}
        assert {"OrdersQueue", "Table", "Topic", "Uploads", "Bus", "Secret", "Clicks"} <= names
        assert "ProdOnly" not in names


@pytest.mark.parametrize("catalog", ["cloudformation"], indirect=True)
class TestCloudFormation:
    """Plain CloudFormation in JSON whose queues and streams belong to other stacks."""

    def test_environment(self, catalog: Catalog) -> None:
        """Dynamic references to what the template itself declares are values, others are placeholders."""
        found = catalog.get("F").environment
        assert found == {
            "A": "local-test-export-test-aws",
            "P": "local-limit",
            "OWN": "test-7",
            "DB": "postgres://u:pw@h/db",
            "B64": "eA==",
            "NUM": "5",
            "BOOL": "true",
            "SPLIT": "b",
            "MISSING": "9",
        }

    def test_sources_of_other_stacks(self, catalog: Catalog) -> None:
        """A mapping whose ARN is a parameter, an import or a dynamic reference is told by its settings."""
        function = catalog.get("F")
        first, last = sources(function, "sqs")
        assert first == EventSource(kind="sqs", batch_size=4, report_batch_item_failures=True)
        assert last == EventSource(kind="sqs")
        assert sources(function, "kinesis") == [EventSource(kind="kinesis", maximum_retry_attempts=3)]
        assert sources(function, "dynamodb") == [EventSource(kind="dynamodb", filter_criteria=('{"a": [1]}',))]

    def test_other_sources(self, catalog: Catalog) -> None:
        """Rules, topics, buckets and APIs, through an alias too; asynchronous ones take no retry at all."""
        function = catalog.get("F")
        for kind in ("eventbridge", "schedule", "sns", "s3", "async"):
            (source,) = sources(function, kind)
            assert source.maximum_retry_attempts == 0
            assert source.dead_letter_queue == f"arn:aws:sqs:{ACCOUNT}:local-Dlq"
        assert sources(function, "httpapi") == [EventSource(kind="httpapi", payload_format_version="2.0")]
        assert len(sources(function, "apigateway")) == len(sources(function, "function_url")) == 1


@pytest.mark.parametrize("catalog", ["serverless"], indirect=True)
class TestServerless:
    """The Serverless Framework, with variables, layers, and events in all their short and long forms."""

    def test_functions(self, catalog: Catalog) -> None:
        """Names, defaults of the provider, layers and variables."""
        assert catalog.names() == ["custom-dev", "shop-dev-orders"]
        orders = catalog.get("orders")
        assert (orders.timeout_s, orders.memory_mb, orders.region) == (30, 512, "eu-west-1")
        assert [layer.name for layer in orders.layers] == ["shared"]
        assert orders.environment["TABLE"] == "dev-table"
        assert orders.environment["FROM_ENV"] == "fallback"
        assert orders.environment["SECRET"] == "local-secret"

    def test_queues_and_streams(self, catalog: Catalog) -> None:
        """The settings of the long form, and the short form that is an ARN."""
        function = catalog.get("orders")
        own, other = sources(function, "sqs")
        assert (own.batch_size, own.maximum_batching_window_s, own.maximum_concurrency) == (5, 10, 4)
        assert (own.max_receive_count, own.visibility_timeout_s, own.report_batch_item_failures) == (3, 200, True)
        assert own.filter_criteria == ('{"body": {"kind": ["order"]}}',)
        assert str(other.arn).endswith(":other")
        kinesis = sources(function, "kinesis")[0]
        assert kinesis.bisect_batch_on_function_error
        assert (kinesis.parallelization_factor, kinesis.maximum_retry_attempts) == (2, 2)
        assert kinesis.on_failure == "arn:aws:sqs:eu-west-1:123456789012:shop-dev-Dlq"

    @pytest.mark.parametrize(
        ("kind", "count"), [("sns", 2), ("s3", 2), ("eventbridge", 1), ("schedule", 3), ("async", 1)]
    )
    def test_asynchronous_sources(self, catalog: Catalog, kind: str, count: int) -> None:
        """The function's own retry settings, destinations and `onError` reach each of them."""
        found = sources(catalog.get("orders"), kind)
        assert len(found) == count
        for source in found:
            assert (source.maximum_retry_attempts, source.maximum_event_age_s) == (1, 120)
            assert source.dead_letter_queue == "arn:aws:sqs:eu-west-1:123456789012:shop-dev-Dlq"
            assert source.on_failure == "arn:aws:sqs:eu-west-1:123456789012:fails"
            assert source.reserved_concurrency == 3

    def test_a_topic_by_its_name_is_made(self, catalog: Catalog) -> None:
        """The short form names a topic of the service's own."""
        function = catalog.get("orders")
        assert sources(function, "sns")[0].arn == "arn:aws:sns:eu-west-1:123456789012:shop-topic"
        made = [each.properties.get("TopicName") for each in function.resources if each.type == "AWS::SNS::Topic"]
        assert "shop-topic" in made

    def test_what_answers(self, catalog: Catalog) -> None:
        """Both APIs, a load balancer, a function URL, and Kafka."""
        kinds = {source.kind for source in catalog.get("orders").event_sources}
        assert {"apigateway", "httpapi", "alb", "function_url", "kafka"} <= kinds
