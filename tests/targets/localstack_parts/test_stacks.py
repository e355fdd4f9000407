"""The stacks that runs make on LocalStack: known again by name and tag, kept while they are used, and removed."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from replay.errors import AwsError, TargetError
from replay.sources.archive_parts.made_for_replay import PREFIX, Mark
from replay.sources.archive_parts.owners import Owner, this_process
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.guard_rails.options import DeployedOptions
from replay.targets.localstack_parts import stacks_of_runs
from replay.targets.localstack_parts.already_there import refuse_what_is_there
from replay.targets.localstack_parts.deployable import Deployable
from replay.targets.localstack_parts.made_stack import MadeStack, stack_in_use
from replay.targets.localstack_parts.our_stacks import OurThing, our_buckets, our_stacks, remove_bucket, remove_stack
from replay.targets.localstack_parts.stacks_of_runs import StacksOfRuns

TEMPLATE = {"Resources": {"Orders": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "orders"}}}}
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[TargetClients]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield TargetClients(DeployedOptions(region="us-east-1"))


def what(template: Any = None, **named: list[str]) -> Deployable:
    kinds = {"queue": "AWS::SQS::Queue", "topic": "AWS::SNS::Topic", "bucket": "AWS::S3::Bucket"}
    return Deployable(
        template=template or TEMPLATE, code={}, origin="template.yaml", named={kinds[k]: v for k, v in named.items()}
    )


def test_what_is_made_is_known_again_and_removed(clients: TargetClients) -> None:
    """Stack and bucket bear our name, and say in their tags whose they are; others are no business of ours."""
    clients("s3").create_bucket(Bucket="mine")
    clients("s3").create_bucket(Bucket=f"{PREFIX}by-hand")
    made = MadeStack(clients, what())
    made.make()
    (stack,) = our_stacks(clients("cloudformation"))
    by_name = {each.name: each for each in our_buckets(clients("s3"))}
    assert by_name.keys() == {made.name, f"{PREFIX}by-hand"}
    assert by_name[f"{PREFIX}by-hand"].mark is None
    for each in (stack, by_name[made.name]):
        assert each.mark is not None
        assert (each.mark.owner, each.mark.name) == (this_process(), made.name)
        assert not each.was_left(NOW + timedelta(days=365))
    assert made.remove() == []
    assert list(our_stacks(clients("cloudformation"))) == []
    assert [each.name for each in our_buckets(clients("s3"))] == [f"{PREFIX}by-hand"]
    assert "QueueUrls" not in clients("sqs").list_queues()


def test_who_uses_it_last_removes_it(clients: TargetClients) -> None:
    """Threads of a run share what one of them has made."""
    made = MadeStack(clients, what())
    made.make()
    assert stack_in_use(made.name) is made
    assert stack_in_use(f"{PREFIX}another") is None
    made.remove()
    assert len(list(our_stacks(clients("cloudformation")))) == 1
    made.remove()
    assert list(our_stacks(clients("cloudformation"))) == []
    assert stack_in_use(made.name) is None


def test_a_service_that_cannot_be_asked_is_said(clients: TargetClients) -> None:
    """What was found before the error counts, what is in the other service too, and the plan says what is not known."""
    client = clients("cloudformation")
    left = Mark(recording="r", created=NOW, owner=None, kept_until=NOW - timedelta(days=1)).tags()
    tags = [{"Key": str(key), "Value": value} for key, value in left.items()]
    clients("s3").create_bucket(Bucket=f"{PREFIX}r")
    clients("s3").put_bucket_tagging(Bucket=f"{PREFIX}r", Tagging={"TagSet": tags})
    stacks = StacksOfRuns(clients, "orders")
    with Stubber(client) as stub:
        stub.add_client_error("describe_stacks", "AccessDenied", http_status_code=403)
        assert [each.what for each in stacks.left()] == [f"bucket {PREFIX}r"]
    (said,) = stacks.not_seen
    assert said.startswith("what killed runs may have left in cloudformation is not known: ")
    assert "cloudformation:DescribeStacks" in said


def test_a_bucket_that_cannot_be_looked_at_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in the middle of a list leaves what was found before it."""
    mark = Mark(recording="r", created=NOW, owner=None, kept_until=NOW - timedelta(days=1))

    def found(_: Any) -> Iterator[OurThing]:
        yield OurThing(what="bucket a", name="a", mark=mark, remove=lambda: None)
        raise ClientError({"Error": {"Code": "InternalError", "Message": "no"}}, "GetBucketTagging")

    monkeypatch.setattr(stacks_of_runs, "OURS", {"s3": found})
    stacks = StacksOfRuns(TargetClients(DeployedOptions(region="us-east-1")), "orders")
    assert [each.what for each in stacks.left()] == ["bucket a"]
    assert len(stacks.not_seen) == 1


def test_a_service_that_localstack_leaves_out_has_nothing_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without CloudFormation no run can have made a stack: there is nothing to say. In the words of LocalStack 4.14."""
    words = "Service 'cloudformation' is not enabled. Please check your 'SERVICES' configuration variable."

    def not_enabled(_: Any) -> Iterator[OurThing]:
        raise ClientError({"Error": {"Code": "InternalFailure", "Message": words}}, "DescribeStacks")

    monkeypatch.setattr(stacks_of_runs, "OURS", {"cloudformation": not_enabled})
    stacks = StacksOfRuns(TargetClients(DeployedOptions(region="us-east-1")), "orders")
    assert (stacks.left(), stacks.of_this_run(), list(stacks.not_seen)) == ([], "", [])


def test_a_stack_was_left_where_its_process_has_ended() -> None:
    """On this machine the process is looked for; of another machine the tag says how long it is taken to run."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    gone = Owner(machine=this_process().machine, pid=process.pid, started="1")
    process.wait()
    elsewhere = Owner(machine="0123456789ab", pid=1)

    def left(owner: Owner | None, *, kept: timedelta) -> bool:
        mark = Mark(recording="r", created=NOW, owner=owner, kept_until=NOW + kept)
        return OurThing(what="stack s", name="s", mark=mark, remove=lambda: None).was_left(NOW)

    hour = timedelta(hours=1)
    assert left(gone, kept=hour)
    assert not left(this_process(), kept=-hour)
    assert not left(elsewhere, kept=hour)
    assert left(elsewhere, kept=-hour)
    assert not OurThing(what="stack s", name="s", mark=None, remove=lambda: None).was_left(NOW)


def test_what_cannot_be_made_leaves_nothing(clients: TargetClients) -> None:
    """The reason is told, and stack and bucket are removed; proved on the answers of CloudFormation."""
    failed = {
        "StackId": "s", "EventId": "e", "StackName": "n", "Timestamp": NOW, "LogicalResourceId": "Orders",
        "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "no such thing",
    }  # fmt: skip
    made, client = MadeStack(clients, what()), clients("cloudformation")
    told: Any = {"StackName": made.name, "CreationTime": NOW}
    with Stubber(client) as stub:
        stub.add_response("create_stack", {"StackId": "s"})
        for status in ("CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE"):
            stub.add_response("describe_stacks", {"Stacks": [told | {"StackStatus": status}]})
        stub.add_response("describe_stack_events", {"StackEvents": [failed]})
        stub.add_response("delete_stack", {}, {"StackName": made.name})
        stub.add_client_error("describe_stacks", "ValidationError", "Stack with id n does not exist")
        with pytest.raises(TargetError, match=r"template.yaml \(ROLLBACK_COMPLETE\): Orders \(no such thing\)"):
            made.make()
        stub.assert_no_pending_responses()
    assert clients("s3").list_buckets()["Buckets"] == []


def test_what_cannot_be_removed_is_told(clients: TargetClients) -> None:
    """A stack that does not go, and a denial; what is gone already is removed."""
    client = clients("cloudformation")
    with Stubber(client) as stub:
        stub.add_response("delete_stack", {})
        stub.add_response(
            "describe_stacks", {"Stacks": [{"StackName": "s", "CreationTime": NOW, "StackStatus": "DELETE_FAILED"}]}
        )
        assert "DELETE_FAILED" in str(remove_stack(client, "s"))
        stub.add_client_error("delete_stack", "AccessDenied", http_status_code=403)
        assert isinstance(remove_stack(client, "s"), AwsError)
    assert remove_bucket(clients("s3"), "not-there") is None


def test_what_is_there_is_not_taken_over(clients: TargetClients) -> None:
    """A queue, topic or bucket of the same name would become the stack's own, and go with it."""
    clients("sqs").create_queue(QueueName="orders")
    clients("sns").create_topic(Name="news")
    clients("s3").create_bucket(Bucket="uploads")
    with pytest.raises(TargetError, match=r"queue orders, bucket uploads, topic news of template\.yaml is") as told:
        refuse_what_is_there(clients, what(queue=["orders", "free"], topic=["news", "t"], bucket=["uploads", "b"]))
    assert "samlocal" in str(told.value.hint)
    refuse_what_is_there(clients, what(queue=["free"], topic=["t"], bucket=["b"]))


def test_code_is_found_in_its_bucket(clients: TargetClients, tmp_path: Path) -> None:
    """What a function runs lies in the bucket of the stack, and goes with it."""
    (tmp_path / "app.py").write_text("x")
    role = "arn:aws:iam::123456789012:role/r"
    properties = {"FunctionName": "orders", "Handler": "app.h", "Runtime": "python3.12", "Role": role}
    template = {"Resources": {"Orders": {"Type": "AWS::Lambda::Function", "Properties": properties}}}
    made = MadeStack(clients, Deployable(template=template, code={"Orders": tmp_path}, origin="template.yaml"))
    clients("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps({}))
    made.make()
    assert clients("lambda").get_function(FunctionName="orders")["Configuration"]["CodeSize"] > 0
    clients("logs").create_log_group(logGroupName="/aws/lambda/orders")
    assert made.remove() == []
    assert clients("logs").describe_log_groups()["logGroups"] == []
