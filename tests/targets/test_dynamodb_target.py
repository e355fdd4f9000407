"""The `dynamodb` target: which write makes a record once more, what it must not harm, and what cannot be made."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from replay.errors import AwsError, ConfigurationError, InvalidEvent, TargetError, TargetRefused
from replay.payloads.captures import Event
from replay.targets.carrier import Acknowledgement, Refusal
from replay.targets.dynamodb import DynamoDbTarget
from replay.targets.guard_rails import deployed
from replay.targets.sending import Sender
from replay.targets.stream_parts.items import item_of, same_item
from tests.targets.carried import Journal, no_pause

ACCOUNT = "123456789012"
ARN = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/orders"
OLD = {"id": {"S": "o-1"}, "total": {"N": "1.10"}, "tags": {"SS": ["b", "a"]}, "raw": {"B": "AP8="}}
NEW = {**OLD, "total": {"N": "2"}}


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A table with a stream of both images on AWS, as moto has it."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")  # moto knows no streams at an account's endpoint
    monkeypatch.setattr(deployed, "is_on_this_machine", lambda _: False)
    with mock_aws():
        client: Any = boto3.client("dynamodb")
        make_table(
            client, "orders", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        )
        yield client


def make_table(client: Any, name: str, **settings: Any) -> None:
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "stage", "Value": "test"}],
        **settings,
    )


def record(change: str, *, view: str = "NEW_AND_OLD_IMAGES", **parts: Any) -> dict[str, Any]:
    images = {"INSERT": {"NewImage": NEW}, "MODIFY": {"NewImage": NEW, "OldImage": OLD}, "REMOVE": {"OldImage": OLD}}
    shown = {"KEYS_ONLY": (), "NEW_IMAGE": ("NewImage",), "OLD_IMAGE": ("OldImage",)}.get(
        view, ("NewImage", "OldImage")
    )
    kept = {name: image for name, image in images[change].items() if name in shown}
    body = {"Keys": {"id": {"S": "o-1"}}, "SequenceNumber": "1", "StreamViewType": view, **kept}
    return {"eventName": change, "eventSource": "aws:dynamodb", "dynamodb": body, **parts}


def event(*records: Any) -> Event:
    return Event(text=json.dumps({"Records": records}), kind="dynamodb")


def target(**options: Any) -> DynamoDbTarget:
    return DynamoDbTarget(**{"table": "orders", "account_id": ACCOUNT, **options})


def put(client: Any, image: Any) -> None:
    client.put_item(TableName="orders", Item=item_of(image, where=""))


def held(client: Any) -> Any:
    return client.get_item(TableName="orders", Key={"id": {"S": "o-1"}}).get("Item")


def described(client: Any) -> dict[str, Any]:
    """Describe the table without what Stubber takes for wrong in moto's answer."""
    found = client.describe_table(TableName="orders")["Table"]
    return {name: value for name, value in found.items() if name != "ProvisionedThroughput"}


def stream_records(client: Any) -> list[Any]:
    streams: Any = boto3.client("dynamodbstreams")
    arn = client.describe_table(TableName="orders")["Table"]["LatestStreamArn"]
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    records: list[Any] = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    return records


@pytest.mark.parametrize("change", ["INSERT", "MODIFY", "REMOVE"])
def test_a_change_is_made_again(table: Any, change: str) -> None:
    """Where the table holds what it held, one write makes the same record: name, keys, both images; it is known by its number."""
    if change != "INSERT":
        put(table, OLD)
    with target() as one:
        (entry,) = one.entries(event(record(change)), key="orders/a", marker="m")
        (answer,) = one.send([entry]).values()
    made = stream_records(table)[-1]
    assert isinstance(answer, Acknowledgement)
    assert answer.identity == made["dynamodb"]["SequenceNumber"]
    wanted = record(change)["dynamodb"]
    assert (made["eventName"], made["dynamodb"]["Keys"]) == (change, wanted["Keys"])
    for image in ("NewImage", "OldImage"):
        assert (image in made["dynamodb"]) == (image in wanted)
        if image in wanted:
            assert same_item(made["dynamodb"][image], item_of(wanted[image], where=""))


@pytest.mark.parametrize(
    ("change", "there", "why"),
    [
        ("INSERT", NEW, "no INSERT"),
        ("MODIFY", None, "MODIFY"),
        ("MODIFY", {**OLD, "total": {"N": "7"}}, "MODIFY"),
        ("REMOVE", None, "REMOVE"),
        ("REMOVE", NEW, "REMOVE"),
    ],
)
def test_what_would_make_another_record_is_not_written(table: Any, change: str, there: Any, why: str) -> None:
    """Where the table holds another item than the record says, or none, nothing is written, and it is said what to do."""
    if there:
        put(table, there)
    before = held(table)
    with target() as one:
        entries = one.entries(event(record(change)), key="orders/a", marker="")
        (answer,) = one.send(entries).values()
    assert isinstance(answer, Refusal)
    assert not answer.retryable
    assert why in answer.message
    assert held(table) == before


@pytest.mark.parametrize("change", ["MODIFY", "REMOVE"])
def test_the_old_item_is_put_first_where_that_is_asked_for(table: Any, change: str) -> None:
    """With `put_old_items` the item as it was is put first, which the stream tells too; then the change is the record's."""
    with target(put_old_items=True) as one:
        (answer,) = one.send(one.entries(event(record(change)), key="k", marker="")).values()
    assert isinstance(answer, Acknowledgement)
    made = stream_records(table)
    assert [each["eventName"] for each in made] == ["INSERT", change]
    assert answer.identity == made[-1]["dynamodb"]["SequenceNumber"]


def test_an_item_that_is_there_is_never_put_away_for_an_insert(table: Any) -> None:
    """`put_old_items` does not delete what an INSERT would find there."""
    put(table, OLD)
    with target(put_old_items=True) as one:
        (answer,) = one.send(one.entries(event(record("INSERT")), key="k", marker="")).values()
    assert isinstance(answer, Refusal)
    assert held(table) is not None


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (record("REMOVE", userIdentity={"type": "Service", "principalId": "dynamodb.amazonaws.com"}), "expired"),
        ({**record("REMOVE"), "dynamodb": {"Keys": OLD, "StreamViewType": "NEW_AND_OLD_IMAGES"}}, "no OldImage"),
        ({**record("MODIFY"), "dynamodb": {**record("MODIFY")["dynamodb"], "OldImage": None}}, "no OldImage"),
        (record("MODIFY", view="KEYS_ONLY"), "changed to"),
        (record("MODIFY", view="OLD_IMAGE"), "changed to"),
        ({**record("INSERT"), "eventName": "OTHER"}, "no change of an item"),
        ({**record("INSERT"), "dynamodb": {"Keys": {"id": {"S": 1}}, "NewImage": NEW}}, "no item"),
        ({"eventSource": "aws:kinesis"}, "no records"),
    ],
    ids=["ttl", "remove without image", "modify without image", "keys only", "old image", "name", "types", "shape"],
)
def test_what_no_write_makes_again_is_said(broken: Any, why: str) -> None:
    """A record of an expired item, one that lost its images, or one that does not say what it changed to: said honestly."""
    with pytest.raises(InvalidEvent, match=why) as caught:
        target().entries(event(broken), key="orders/a", marker="")
    assert caught.value.where == "orders/a"
    assert caught.value.hint


@pytest.mark.parametrize("view", ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE"])
def test_a_stream_of_other_images_is_refused(table: Any, view: str) -> None:
    """A record with other images than the table's stream shows would reach the function as another one."""
    with target() as one, pytest.raises(InvalidEvent, match=view):
        one.entries(event(record("INSERT", view=view)), key="k", marker="")


@pytest.mark.parametrize("view", ["KEYS_ONLY", "NEW_IMAGE"])
def test_a_stream_that_shows_less_needs_less(monkeypatch: pytest.MonkeyPatch, view: str) -> None:
    """Where the stream does not show the old item, any old item will do: an INSERT, a MODIFY and a REMOVE are made."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(deployed, "is_on_this_machine", lambda _: False)
    with mock_aws():
        client: Any = boto3.client("dynamodb")
        make_table(client, "orders", StreamSpecification={"StreamEnabled": True, "StreamViewType": view})
        changes = ["INSERT", "REMOVE"] if view == "KEYS_ONLY" else ["INSERT", "MODIFY", "REMOVE"]
        with target() as one:
            for change in changes:
                if change == "MODIFY":
                    put(client, {**OLD, "total": {"N": "9"}})
                (answer,) = one.send(one.entries(event(record(change, view=view)), key="k", marker="")).values()
                assert isinstance(answer, Acknowledgement), answer


def test_a_write_whose_answer_was_lost_is_not_made_twice(table: Any) -> None:
    """The write was done and its answer lost: the next try sees that, and acknowledges it; the stream has one record."""
    put(table, OLD)
    with target() as one:
        (entry,) = one.entries(event(record("MODIFY")), key="k", marker="")
        lost = [True]

        def lose(**_: Any) -> None:
            if lost.pop() if lost else False:
                raise ReadTimeoutError(endpoint_url="http://x")

        one.clients.sending("dynamodb").meta.events.register("after-call.dynamodb.PutItem", lose)
        sent = Sender(one, Journal(), sleep=no_pause).send([entry])
    assert [each["eventName"] for each in stream_records(table)] == ["INSERT", "MODIFY"]
    assert sent["k"].acknowledgement is not None
    assert sent["k"].doubtful
    assert not lost


def test_changes_of_one_item_are_written_in_their_order(table: Any) -> None:
    """Every record is an entry; those of one item are a group, which the sender does not overtake."""
    other = {**record("INSERT"), "dynamodb": {"Keys": {"id": {"S": "o-2"}}, "NewImage": {"id": {"S": "o-2"}}}}
    with target(put_old_items=True) as one:
        one._view = ""  # one of the records shows less
        entries = one.entries(event(record("INSERT"), other, record("REMOVE")), key="k", marker="")
        assert [entry.key for entry in entries] == ["k#1", "k#2", "k#3"]
        assert entries[0].group == entries[2].group != entries[1].group
        sent = Sender(one, Journal(), sleep=no_pause).send(entries)
    assert all(each.acknowledgement for each in sent.values())
    assert held(table) is None


def test_is_described_with_its_tags_and_readers(table: Any) -> None:
    """ARN, account, caller and tags are AWS's own; mapped functions and replicas stand in the plan; on the request."""
    for name in ("orders", ARN):
        destination = target(table=name).checked_destination()
        assert (destination.arn, destination.caller_account_id, destination.tags) == (ARN, ACCOUNT, {"stage": "test"})
    one = target()
    found_table = {**described(table), "Replicas": [{"RegionName": "eu-west-1"}]}
    mapping = {"FunctionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:billing", "State": "Enabled"}
    off = {"FunctionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:gone", "State": "Disabled"}
    asked = {"EventSourceArn": found_table["LatestStreamArn"]}
    with Stubber(one.clients("dynamodb")) as stub, Stubber(one.clients("lambda")) as functions:
        stub.add_response("describe_table", {"Table": found_table})
        stub.add_response("list_tags_of_resource", {"Tags": [], "NextToken": "n"}, {"ResourceArn": ARN})
        tags = {"Tags": [{"Key": "a", "Value": "b"}]}
        stub.add_response("list_tags_of_resource", tags, {"ResourceArn": ARN, "NextToken": "n"})
        functions.add_response("list_event_source_mappings", {"EventSourceMappings": [mapping, off]}, asked)
        found = one.destination()
    assert found.tags == {"a": "b"}
    assert found.seen_by == ("function billing", "its replica in eu-west-1")


def test_a_table_without_a_stream_is_refused(table: Any) -> None:
    """A write to it would reach nobody: said before anything is written."""
    make_table(table, "silent")
    with pytest.raises(TargetError, match="no stream"):
        target(table="silent").checked_destination()
    with pytest.raises(AwsError):
        target(table="gone").destination()
    with pytest.raises(ConfigurationError, match="which table"):
        DynamoDbTarget()


@pytest.mark.parametrize(
    ("options", "why"),
    [({"account_id": ""}, "nothing says in which account"), ({"account_id": "999988887777"}, "credentials")],
)
def test_the_account_is_guarded(table: Any, options: dict[str, str], why: str) -> None:
    """Beyond this machine a table needs its account named, and the caller must be of it; entering checks it."""
    with pytest.raises(TargetRefused, match=why), target(**options):
        pass


def test_what_looks_like_production_is_refused(table: Any) -> None:
    """A table whose tag says production is not written to, until its section says that it may be."""
    table.tag_resource(ResourceArn=ARN, Tags=[{"Key": "env", "Value": "prod"}])
    with pytest.raises(TargetRefused, match="looks like production"):
        target().checked_destination()
    assert target(production=True).checked_destination()


def test_tags_that_may_not_be_read_are_a_refusal(table: Any) -> None:
    """Without dynamodb:ListTagsOfResource nobody knows whether it is production; proved on the request."""
    one = target()
    found = described(table)
    with Stubber(one.clients("dynamodb")) as stub:
        stub.add_response("describe_table", {"Table": found})
        stub.add_client_error("list_tags_of_resource", "AccessDeniedException", http_status_code=403)
        with pytest.raises(TargetRefused, match="tags may not be read"):
            one.checked_destination()


_SCALARS = st.one_of(
    st.text(max_size=5).map(lambda text: {"S": text}),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(lambda number: {"N": str(number)}),
    st.booleans().map(lambda flag: {"BOOL": flag}),
    st.just({"NULL": True}),
    st.lists(st.text(max_size=3), min_size=1, unique=True).map(lambda texts: {"SS": texts}),
)
_ATTRIBUTES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: {"L": items})
        | st.dictionaries(st.text(max_size=3), inner, max_size=3).map(lambda items: {"M": items})
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=4), _ATTRIBUTES, max_size=4))
def test_an_item_is_itself_in_any_order(image: dict[str, Any]) -> None:
    """Items are compared as DynamoDB does: sets in any order, numbers by value; and another attribute is another item."""
    item = item_of(image, where="")
    turned = {name: _turned(value) for name, value in reversed(image.items())}
    assert same_item(item, item_of(turned, where=""))
    assert not same_item(item, item_of({**turned, "one more": {"S": ""}}, where=""))


def _turned(attribute: dict[str, Any]) -> dict[str, Any]:
    ((kind, value),) = attribute.items()
    if kind == "SS":
        return {kind: value[::-1]}
    if kind == "N" and "." in value:
        return {kind: value + "0"}
    if kind == "L":
        return {kind: [_turned(each) for each in value]}
    return {kind: {name: _turned(each) for name, each in value.items()}} if kind == "M" else attribute


def test_depth_and_types_are_hostile() -> None:
    """More levels than DynamoDB has, and what is no attribute, are refused; nothing recurses beyond them."""
    deep: Any = {"S": "x"}
    for _ in range(800):
        deep = {"L": [deep]}
    for image in (
        {"a": deep},
        {"a": {"S": 1}},
        {"a": {"B": "not base64!"}},
        {"a": {"S": "x", "N": "1"}},
        {"a": 1},
        [1],
    ):
        with pytest.raises(InvalidEvent):
            item_of(image, where="k")
