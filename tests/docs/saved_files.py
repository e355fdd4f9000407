"""What other tools have saved, in the project of the page about files."""

import gzip
import json
from pathlib import Path

PAGES = ("sources-files.md",)
_REQUEST_ID = "5d9a1c30-6a1b-4d55-8c7e-94b1c8a1f0aa"
_FAILED = (
    "[ERROR] KeyError: 'customer_id'\nTraceback (most recent call last):\n"
    '  File "/var/task/app.py", line 36, in parse_order\n    customer = order["customer_id"]\n'
)
_LINES = (
    f"START RequestId: {_REQUEST_ID} Version: $LATEST\n",
    'event: {"order_id": "o-7"}\n',
    _FAILED,
    f"END RequestId: {_REQUEST_ID}\n",
    f"REPORT RequestId: {_REQUEST_ID}\tDuration: 3.11 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 41 MB\t\n",
)


def save(folder: Path) -> None:
    """Save dead letters, an export of a bus, lines of a log, and test events."""
    saved = folder / "saved"
    saved.mkdir()
    messages = [
        {
            "MessageId": f"0b3a7c1e-5a5c-4b1e-9d26-2f6f0a3c7b0{n}",
            "ReceiptHandle": "AQEB",
            "Body": json.dumps({"order_id": f"o-{n}"}),
            "Attributes": {"SentTimestamp": "1767225600000", "ApproximateReceiveCount": "4"},
        }
        for n in range(2)
    ]
    (saved / "dead-letters.json").write_text(json.dumps({"Messages": messages}, indent=4))
    orders = [
        {
            "version": "0",
            "id": f"e-{n}",
            "source": "shop",
            "detail-type": "OrderPlaced",
            "detail": {"order_id": f"o-{n}"},
        }
        for n in range(3)
    ]
    (saved / "export.gz").write_bytes(gzip.compress("".join(map(json.dumps, orders)).encode()))
    lines = [
        {"logStreamName": "0", "timestamp": 1767225600000 + n, "message": text, "ingestionTime": 1767225601000}
        for n, text in enumerate(_LINES)
    ]
    (saved / "failed.json").write_text(json.dumps({"events": lines, "searchedLogStreams": []}))
    examples = {"no customer": {"value": {"order_id": "o-8"}}, "no order": {"value": {"customer_id": "c-1"}}}
    schema = {"openapi": "3.0.0", "info": {"title": "Event"}, "paths": {}, "components": {"examples": examples}}
    described = {"Content": json.dumps(schema), "SchemaName": "_orders-schema", "Type": "OpenApi3"}
    (saved / "test-events.json").write_text(json.dumps(described))
