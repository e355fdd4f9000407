"""Takes orders off the queue, stores them in DynamoDB and announces them on the event bus."""

import json
import logging
import os
from decimal import Decimal

import boto3

logger = logging.getLogger()
logger.setLevel(logging.INFO)

table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])
events = boto3.client("events")

HANDLING_FEE_CENTS = int(os.environ["HANDLING_FEE_CENTS"])
LABEL_BYTES = 120
CENT = Decimal("0.01")
COLLECTED_IN_THE_SHOP = "shop"


class InvalidOrderError(Exception):
    """An order that no further attempt will make valid."""


def handler(event, context):
    for record in event["Records"]:
        take_order(record)


def take_order(record):
    try:
        order = parse_order(record["body"])
    except InvalidOrderError as error:
        reject(record["messageId"], str(error))
        return
    table.put_item(Item=order)
    announce("OrderPlaced", {key: str(order[key]) for key in ("order_id", "customer_id", "total")})
    logger.info("placed order %s", order["order_id"])


def reject(message_id, reason):
    table.put_item(Item={"order_id": f"rejected#{message_id}", "status": "rejected", "reason": reason})
    announce("OrderRejected", {"message_id": message_id, "reason": reason})
    logger.warning("rejected message %s: %s", message_id, reason)


def parse_order(body):
    order = read_json(body)
    lines = [{**line, "unit_price": in_cents(line["unit_price"])} for line in order.get("lines", [])]
    for key in ("order_id", "customer_id"):
        if not order.get(key):
            raise InvalidOrderError(f"no {key}")
    return {
        "order_id": order["order_id"],
        "customer_id": order["customer_id"],
        "email": order["customer"]["email"].lower(),
        "card": order["payment"]["card_number"][-4:],
        "lines": lines,
        "total": sum(line["unit_price"] * line["quantity"] for line in lines),
        "fee_per_item_cents": fee_per_item(lines),
        "destination": destination(order["shipping"]),
        "label": label(order.get("gift_message") or ""),
        "status": "placed",
    }


def read_json(body):
    try:
        order = json.loads(body, parse_float=Decimal)
    except json.JSONDecodeError as error:
        raise InvalidOrderError("not JSON") from error
    if not isinstance(order, dict):
        raise InvalidOrderError("not an order")
    return order


def in_cents(price):
    """Round a price, since a currency converter sends more digits than DynamoDB stores."""
    return Decimal(price).quantize(CENT)


def fee_per_item(lines):
    items = sum(line["quantity"] for line in lines)
    if items == 0:
        raise InvalidOrderError("nothing was ordered")
    return round(HANDLING_FEE_CENTS / items)


def destination(shipping):
    address = shipping.get("address")
    if address is None:
        return COLLECTED_IN_THE_SHOP
    postcode = address.get("postcode") or ""  # Ireland's were optional, Hong Kong has none
    return f"{address['country']}-{postcode.replace(' ', '')}"


def label(message):
    """Cut a gift message to what fits on the printer's label; shops cut emoji in two before us."""
    return message.encode("utf-8", errors="replace")[:LABEL_BYTES].decode("utf-8", errors="ignore")


def announce(what, detail):
    events.put_events(
        Entries=[
            {
                "Source": "shop.orders",
                "DetailType": what,
                "Detail": json.dumps(detail),
                "EventBusName": os.environ["BUS_NAME"],
            }
        ]
    )
