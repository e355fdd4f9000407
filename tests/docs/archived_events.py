"""A bus with an archive, in the project of the pages that speak of one."""

import json
from typing import Any

import boto3

PAGES = ("sources-eventbridge-archive.md",)
_ORDERS = (
    {"order_id": "o-1001", "customer_id": "c-17", "total": 41.5},
    {"order_id": "o-1002", "total": 12},
    {"order_id": "o-1003", "customer_id": "c-4", "total": 0},
    {"order_id": "o-1004", "total": 99.9},
)


def archive_events(environment: dict[str, str]) -> None:
    """Put a few orders on a bus that has an archive."""
    client: Any = boto3.client(
        "events",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_DEFAULT_REGION"],
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    arn = client.create_event_bus(Name="shop")["EventBusArn"]
    client.create_archive(ArchiveName="shop-archive", EventSourceArn=arn)
    entry = {"Source": "shop.orders", "DetailType": "OrderPlaced", "EventBusName": "shop"}
    client.put_events(Entries=[{**entry, "Detail": json.dumps(order)} for order in _ORDERS])
