"""The same for the nightly batches: an order that cannot be taken does not hold up the others."""

import logging

from app import take_order

logger = logging.getLogger()


def handler(event, context):
    failures = []
    for record in event["Records"]:
        try:
            take_order(record)
        except Exception:
            logger.exception("could not take the order in message %s", record["messageId"])
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}
