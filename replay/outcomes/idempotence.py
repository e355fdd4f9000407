"""Whether a second delivery of the same event writes again: AWS delivers at least once, so it will happen."""

import re
from collections.abc import Iterator, Mapping, Sequence

from replay.payloads.aws_calls import AwsCall
from replay.payloads.exact_json import Json

_TOLD_AT_MOST = 3

_READS = re.compile(
    r"(?:Get|List|Describe|Head|Query|Scan|BatchGet|TransactGet|Receive|Search|Lookup|Select|Detect|Validate|Verify|"
    r"Decrypt|Encrypt|ReEncrypt|GenerateDataKey|GenerateMac|GenerateRandom|Sign|AssumeRole|Converse|InvokeModel|"
    r"Translate|ChangeMessageVisibility|ExtendMessage|RenewLease)"
)
_TELEMETRY = frozenset({"PutMetricData", "PutLogEvents", "CreateLogGroup", "CreateLogStream", "PutTraceSegments"})
_STATE_SETTING = re.compile(r"(?:Put|Update|Delete|Batch|Transact|Set|Tag|Untag|Copy|Complete|Upload|Restore|Remove)")
_ADDS = frozenset({"PutEvents", "PutRecord", "PutRecords", "PutRecordBatch", "BatchExecuteStatement"})
_TOKENS = frozenset({"ClientRequestToken", "ClientToken", "clientToken", "clientRequestToken", "IdempotencyToken"})
_STATEMENTS = ("Statement", "sql")
_ARITHMETIC = re.compile(r"[-+]|\blist_append\b")
_ADD_CLAUSE = re.compile(r"\bADD\b(.*?)(?=\b(?:SET|REMOVE|DELETE)\b|$)", re.DOTALL | re.IGNORECASE)
_PLACEHOLDER = re.compile(r":\w+")


def new_writes(first: Sequence[AwsCall], second: Sequence[AwsCall]) -> list[AwsCall]:
    """
    List the calls of the *second* delivery that changed something, after the *first* had done all of its work.

    No new write is:

    - a read, a call that ended in an error (`ConditionalCheckFailedException`, say), and telemetry;
    - a call that sets a state (`Put…`, `Update…`, `Delete…`, `Copy…`) to what the first delivery has set it to: with
      the same parameters. An `UpdateItem` that counts (`ADD` of a number, `+`, `-`, `list_append`) does not set;
    - a message to a FIFO queue or topic with the deduplication id of one that the first delivery has sent, or with the
      same text where neither has an id;
    - a call with the client token of one in the first delivery, and `StartExecution` with the name and input of one.

    All else is: a message, an event, a record, an invocation is one more, however alike it is.

    Sources: SQS Developer Guide, "Exactly-once processing"; SNS Developer Guide, "Message deduplication for FIFO
    topics"; DynamoDB API, `UpdateItem`; Step Functions API, `StartExecution`.
    """
    done = [call for call in first if call.error is None]
    return [call for call in second if call.error is None and is_lasting_write(call) and not _is_done(call, done)]


def told(first: Sequence[AwsCall], writes: Sequence[AwsCall]) -> str:
    """Put the new *writes* of a second delivery into words."""
    before = {call.name for call in first}
    words = dict.fromkeys(_words(call, before) for call in writes)
    more = f" and {len(words) - _TOLD_AT_MOST} more" if len(words) > _TOLD_AT_MOST else ""
    return f"not idempotent: the second delivery {'; '.join(list(words)[:_TOLD_AT_MOST])}{more}"


def is_lasting_write(call: AwsCall) -> bool:
    """Say whether *call* may leave something behind in AWS that a user minds, by what it asks for."""
    if _READS.match(call.operation) or call.operation in _TELEMETRY:
        return False
    statements = [call.parameters[name] for name in _STATEMENTS if name in call.parameters]
    return not any(isinstance(each, str) and each.lstrip()[:6].upper() == "SELECT" for each in statements)


def _words(call: AwsCall, before: set[str]) -> str:
    if call.name not in before:
        return f"called {call.name}, which the first did not"
    return f"called {call.name} with other content" if _sets_state(call) else f"called {call.name} again"


def _is_done(call: AwsCall, done: Sequence[AwsCall]) -> bool:
    alike = [each for each in done if each.name == call.name]
    if _messages(call):
        sent = {identity for each in alike for identity in _fifo_identities(each)}
        return all(identity in sent for identity in _fifo_identities(call))
    tokens = {name: call.parameters[name] for name in _TOKENS & call.parameters.keys()}
    if tokens and any(tokens.items() <= each.parameters.items() for each in alike):
        return True
    if call.operation == "StartExecution":
        return "name" in call.parameters and any(call.parameters == each.parameters for each in alike)
    return _sets_state(call) and any(_without_tokens(call) == _without_tokens(each) for each in alike)


def _sets_state(call: AwsCall) -> bool:
    if call.operation in _ADDS or not _STATE_SETTING.match(call.operation):
        return False
    return not any(_counts(update) for update in _updates(call))


def _updates(call: AwsCall) -> Iterator[Mapping[str, Json]]:
    if call.operation == "UpdateItem":
        yield call.parameters
    items = call.parameters.get("TransactItems")
    for item in items if isinstance(items, list) else ():
        update = item.get("Update") if isinstance(item, dict) else None
        if isinstance(update, dict):
            yield update


def _counts(update: Mapping[str, Json]) -> bool:
    """Say whether an update makes more of what is there: repeated, it gives another state."""
    legacy = update.get("AttributeUpdates")
    actions = legacy.values() if isinstance(legacy, dict) else ()
    if any(isinstance(action, dict) and action.get("Action") == "ADD" for action in actions):
        return True
    expression, values = update.get("UpdateExpression"), update.get("ExpressionAttributeValues")
    if not isinstance(expression, str):
        return False
    if _ARITHMETIC.search(expression):
        return True
    added = [name for clause in _ADD_CLAUSE.findall(expression) for name in _PLACEHOLDER.findall(clause)]
    known = values if isinstance(values, dict) else {}
    return any(not _is_set(known.get(name)) for name in added)


def _is_set(value: Json) -> bool:
    return isinstance(value, dict) and not value.keys().isdisjoint({"SS", "NS", "BS"})


def _without_tokens(call: AwsCall) -> dict[str, Json]:
    return {name: value for name, value in call.parameters.items() if name not in _TOKENS}


def _messages(call: AwsCall) -> list[Mapping[str, Json]]:
    """List what a call sends to a queue or topic, one entry a message; empty for every other call."""
    if (call.service, call.operation) in {("sqs", "SendMessage"), ("sns", "Publish")}:
        return [call.parameters]
    if (call.service, call.operation) in {("sqs", "SendMessageBatch"), ("sns", "PublishBatch")}:
        entries = call.parameters.get("Entries", call.parameters.get("PublishBatchRequestEntries"))
        return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return []


def _fifo_identities(call: AwsCall) -> Iterator[tuple[str, str] | object]:
    """Give for each message what a FIFO queue or topic knows it by; a standard one knows none: always another."""
    place = str(call.parameters.get("QueueUrl", call.parameters.get("TopicArn", call.parameters.get("TargetArn"))))
    for message in _messages(call):
        identity = message.get("MessageDeduplicationId")
        text = message.get("MessageBody", message.get("Message"))
        yield (place, f"id {identity}" if identity is not None else f"text {text}") if _is_fifo(place) else object()


def _is_fifo(place: str) -> bool:
    return place.endswith(".fifo")
