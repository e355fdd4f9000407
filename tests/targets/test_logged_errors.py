"""A handler that logs the error and reports the record: the bug has one signature, however it is logged and wherever it runs."""

import shutil
import sys

import pytest

from replay.delivery.families import begin_delivery, drive
from replay.outcomes.classify import classify
from replay.payloads.captures import Event
from replay.payloads.event_sources import EventSource
from replay.targets.local import LocalTarget
from replay.targets.process import ProcessTarget
from tests.delivery.sqs_events import as_text, sqs_event
from tests.targets.bootstraps import NODE

HERE = f"python{sys.version_info.major}.{sys.version_info.minor}"
ORDERS = """\
    import json, logging, traceback
    logger = logging.getLogger("shop.orders")

    def take(record):
        return json.loads(record["body"])["customer_id"]

    def handler(event, context):
        failures = []
        for record in event["Records"]:
            try:
                take(record)
            except Exception:
                LOGGED
                failures.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failures}
    """
LOGGERS = {
    "text": ("logger.exception('no order %s', record['messageId'])", {}),
    "JSON": ("logger.exception('no order %s', record['messageId'])", {"AWS_LAMBDA_LOG_FORMAT": "JSON"}),
    "printed": ("traceback.print_exc()", {}),
    "as one line": ("print(json.dumps({'level': 'ERROR', 'exception': traceback.format_exc()}))", {}),
}
BATCH = EventSource(kind="sqs", report_batch_item_failures=True, max_receive_count=2)


def outcome(target, function, body):
    event = Event(text=as_text(sqs_event("a", body=body) if body else sqs_event("a")), kind="sqs")
    with target(function) as opened:
        opened.begin()
        return classify(drive(begin_delivery(event, BATCH, function.arn), opened.invoke))


@pytest.mark.parametrize("body", ["{}", "no JSON"])
def test_one_bug_has_one_signature(service, body):
    """In our own process and in one of its own, with each logger, it is that of the error, with the user's frames only."""
    pytest.importorskip("awslambdaric", reason="needs the extra `process`")
    signatures = {}
    for name, (logged, environment) in LOGGERS.items():
        function = service(ORDERS.replace("LOGGED", logged), runtime=HERE, environment=environment, memory_mb=256)
        for target in (LocalTarget, ProcessTarget):
            seen = outcome(target, function, body)
            assert (seen.status, seen.failure.observed) == ("failed", "logs"), name
            signatures[name, target] = seen.signature
    assert len(set(signatures.values())) == 1, signatures
    signature = signatures["text", LocalTarget]
    assert signature.error_type == ("KeyError" if body == "{}" else "JSONDecodeError")
    assert signature.frames == (
        "app.py:handler:take(record)",
        'app.py:take:return json.loads(record["body"])["customer_id"]',
    )


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_a_node_function_logs_its_error(service):
    """What console.error writes of an error is read, too."""
    code = """\
    function take(record) { return JSON.parse(record.body).customer.id }
    export async function handler(event) {
      const failed = [];
      for (const record of event.Records) {
        try { take(record) } catch (error) { console.error('no order', error); failed.push({ itemIdentifier: record.messageId }) }
      }
      return { batchItemFailures: failed };
    }
    """
    settings = {"runtime": "nodejs20.x", "command": ("node", "client.mjs"), "memory_mb": 256}
    seen = outcome(ProcessTarget, service({"app.mjs": code, "client.mjs": NODE}, **settings), "{}")
    assert seen.failed_with("TypeError", match="Cannot read properties of undefined")
    assert seen.signature.frames[-2:] == ("app.mjs:handler:", "app.mjs:take:")
