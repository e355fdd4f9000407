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


def handler(event, context):
    for record in event["Records"]:
        take_order(record)


def take_order(record):
    order = parse_order(record["body"])
    table.put_item(Item=order)
    announce(order)
    logger.info("placed order %s", order["order_id"])


def parse_order(body):
    order = json.loads(body, parse_float=Decimal)
    return {
        "order_id": order["order_id"],
        "customer_id": order["customer_id"],
        "email": order["customer"]["email"].lower(),
        "card": order["payment"]["card_number"][-4:],
        "lines": order["lines"],
        "total": sum(line["unit_price"] * line["quantity"] for line in order["lines"]),
        "fee_per_item_cents": fee_per_item(order["lines"]),
        "destination": destination(order["shipping"]),
        "label": label(order.get("gift_message", "")),
        "status": "placed",
    }


def fee_per_item(lines):
    items = sum(line["quantity"] for line in lines)
    return round(HANDLING_FEE_CENTS / items)


def destination(shipping):
    address = shipping["address"]
    return f"{address['country']}-{address['postcode'].replace(' ', '')}"


def label(message):
    """Cut a gift message to what fits on the printer's label."""
    return message.encode("utf-8")[:LABEL_BYTES].decode("utf-8", errors="ignore")


def announce(order):
    detail = {"order_id": order["order_id"], "customer_id": order["customer_id"], "total": str(order["total"])}
    events.put_events(
        Entries=[
            {
                "Source": "shop.orders",
                "DetailType": "OrderPlaced",
                "Detail": json.dumps(detail),
                "EventBusName": os.environ["BUS_NAME"],
            }
        ]
    )
