"""The example service: its poison messages fail as they are meant to, and the fix mends each of them."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

from replay.functions.catalog import build_catalog

ORDERS = Path(__file__).parents[2] / "examples" / "orders"
MESSAGES = json.loads((ORDERS / "poison_messages.json").read_text(encoding="utf-8"))
CATALOG = build_catalog(root=ORDERS, settings={}, templates=[])
GOOD_BODY = json.dumps(
    {
        "order_id": "o-1",
        "customer_id": "c-1",
        "customer": {"email": "Ada@Example.com"},
        "payment": {"card_number": "4111111111111111"},
        "lines": [{"sku": "MUG", "quantity": 2, "unit_price": 12.5}],
        "shipping": {"address": {"country": "GB", "postcode": "LS1 4AB"}},
        "gift_message": "🎂" * 40,
    }
)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An AWS with the service's table and bus, the function's environment, and modules of the service's own."""
    for name, value in CATALOG.get("orders").environment.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        boto3.client("dynamodb").create_table(
            TableName="orders",
            KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        boto3.client("events").create_event_bus(Name="orders")
        yield
    for name in ("app", "batch"):
        sys.modules.pop(name, None)


def load(module: str, monkeypatch: pytest.MonkeyPatch, *folders: str) -> ModuleType:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for folder in reversed(folders):
        monkeypatch.syspath_prepend(str(ORDERS / folder))
    return importlib.import_module(module)


def event(*bodies: str) -> dict[str, Any]:
    return {"Records": [{"messageId": f"m-{number}", "body": body} for number, body in enumerate(bodies)]}


def stored() -> list[dict[str, Any]]:
    return boto3.resource("dynamodb").Table("orders").scan()["Items"]


def test_twelve_messages_fail_in_at_least_six_ways() -> None:
    """The demo has a handful of messages and fewer bugs."""
    assert len(MESSAGES) == 12
    assert len({message["fails_with"] for message in MESSAGES}) >= 6


@pytest.mark.parametrize("message", MESSAGES, ids=[f"{n}-{m['fails_with']}" for n, m in enumerate(MESSAGES)])
def test_each_poison_message_fails_as_it_says(
    message: dict[str, Any], service: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poison message raises the error that its list names, and stores nothing."""
    app = load("app", monkeypatch, "src")
    with pytest.raises(Exception) as raised:
        app.handler(event(message["body"]), None)
    assert type(raised.value).__name__ == message["fails_with"]
    assert stored() == []


def test_a_good_order_is_stored_and_announced(service: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service works for what it was written for, a gift message longer than its label included."""
    app = load("app", monkeypatch, "src")
    put: list[Any] = []
    monkeypatch.setattr(app.events, "put_events", lambda **parameters: put.append(parameters))
    app.handler(event(GOOD_BODY), None)
    (item,) = stored()
    assert (item["order_id"], item["total"], item["destination"], item["card"]) == ("o-1", 25, "GB-LS14AB", "1111")
    assert item["label"] == "🎂" * 30
    assert put[0]["Entries"][0]["DetailType"] == "OrderPlaced"


def test_the_fix_mends_every_poison_message(service: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the fix every message is either placed or rejected with a reason, and none raises."""
    app = load("app", monkeypatch, "fixed")
    app.handler(event(*(message["body"] for message in MESSAGES), GOOD_BODY), None)
    statuses = [item["status"] for item in stored()]
    assert len(statuses) == 13
    assert (statuses.count("placed"), statuses.count("rejected")) == (7, 6)


def test_the_fix_changes_nothing_for_a_good_order(service: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A good order is stored by the fix as it was before."""
    load("app", monkeypatch, "src").handler(event(GOOD_BODY), None)
    before = stored()
    sys.modules.pop("app")
    load("app", monkeypatch, "fixed").handler(event(GOOD_BODY), None)
    assert stored() == before


def test_the_batch_function_reports_only_what_failed(service: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nightly batch stores the good orders and reports each bad one by its message's id."""
    batch = load("batch", monkeypatch, "src")
    answer = batch.handler(event(MESSAGES[0]["body"], GOOD_BODY, MESSAGES[3]["body"]), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-0"}, {"itemIdentifier": "m-2"}]}
    assert [item["order_id"] for item in stored()] == ["o-1"]


def test_the_fix_mends_the_batch_function_too(service: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixed module serves both functions."""
    batch = load("batch", monkeypatch, "fixed", "src")
    answer = batch.handler(event(*(message["body"] for message in MESSAGES)), None)
    assert answer == {"batchItemFailures": []}


def test_the_template_gives_both_functions() -> None:
    """The functions are found by name, with code, environment and the queues' redrive policies."""
    orders, bulk = CATALOG.get("orders"), CATALOG.get("orders-batch")
    assert (orders.handler, bulk.handler) == ("app.handler", "batch.handler")
    assert orders.code == bulk.code == ORDERS / "src"
    assert orders.environment == {"TABLE_NAME": "orders", "BUS_NAME": "orders", "HANDLING_FEE_CENTS": "490"}
    (source,) = orders.event_sources
    assert source.arn == "arn:aws:sqs:us-east-1:123456789012:orders"
    assert source.dead_letter_queue == "arn:aws:sqs:us-east-1:123456789012:orders-dlq"
    assert (source.batch_size, source.max_receive_count, source.report_batch_item_failures) == (10, 3, False)
    assert bulk.event_sources[0].report_batch_item_failures
