"""What the field warns of, from the command line: failures of AWS, second deliveries, values kept from import."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from replay.fixtures.store import Store
from replay.payloads.failures import Failure
from tests.cli.command_line import CommandLine

MakeProject = Callable[..., Path]

CLIENTS = "import boto3\nevents, s3, sts = (boto3.client(name, 'us-east-1') for name in ('events', 's3', 'sts'))\n"
PUBLISHES = f"{CLIENTS}def handler(event, context):\n    events.put_events(Entries=[{{'Source': 's', 'DetailType': 't', 'Detail': '{{}}'}}])\n"
STORES = f"""{CLIENTS}
def handler(event, context):
    s3.create_bucket(Bucket='orders') if not s3.list_buckets()['Buckets'] else None
    s3.put_object(Bucket='orders', Key='k', Body=b'x')
"""
READS = f"{CLIENTS}def handler(event, context):\n    return sts.get_caller_identity()['Account']\n"


def record(
    replay_: CommandLine, project: MakeProject, source: str, *, failure: Failure | None = None, settings: str = ""
) -> Path:
    """Record an event of the function `f`, with *failure* where its source knew one."""
    folder = project(source, {"order": 1}, settings=settings)
    assert replay_("record", "files", "--path", "events.jsonl", "--function", "f").exit_code == 0
    if failure is not None:
        change(folder, failure)
    return folder


def change(folder: Path, failure: Failure) -> None:
    """Let the one fixture in *folder* have the failure that its source told."""
    from dataclasses import replace

    store = Store(folder / "fixtures")
    (fixture,) = (store.load(reference) for reference in store.references())
    store.update(replace(fixture, failure=failure, expectation=replace(fixture.expectation, wants="reproduces")))


THROTTLED = Failure(
    error_type="ClientError",
    message="An error occurred (ThrottlingException) when calling the GetCallerIdentity operation (reached max retries: 4): "
    "Rate exceeded",
)


def test_a_failure_of_aws_that_does_not_come_back_proposes_its_fault(
    replay_: CommandLine, project: MakeProject
) -> None:
    """A throttle is not in the payload: the run does not call it fixed, but says how to bring it back and keep it."""
    record(replay_, project, READS, failure=THROTTLED)
    result = replay_("run", "--json")
    document = result.documents[0]
    option = f"--fault {document['proposed_fault']['call']}=ThrottlingException"
    assert result.exit_code == 1
    assert document["proposed_fault"] == {
        "call": "sts:GetCallerIdentity",
        "error": "ThrottlingException",
        "message": "Rate exceeded",
    }
    assert f"`replay run f/{document['fixture']} {option}`" in document["reason"]
    assert document["accept"] == [f"replay expect f/{document['fixture']} reproduces {option}"]
    assert "no longer" not in replay_("run").stdout


def test_the_fault_that_is_proposed_brings_the_failure_back(replay_: CommandLine, project: MakeProject) -> None:
    """What the run proposes is run, kept, and from then on reproduces by itself."""
    record(replay_, project, READS, failure=THROTTLED)
    document = replay_("run", "--json").documents[0]
    option = ("--fault", f"{document['proposed_fault']['call']}={document['proposed_fault']['error']}")
    again = replay_("run", "--json", *option)
    assert (again.documents[0]["verdict"], again.documents[0]["class"]) == ("reproduced", "throttling")
    assert replay_("expect", document["fixture"], "reproduces", *option).exit_code == 0
    kept = replay_("run", "--json").documents[0]
    assert kept["verdict"] == "reproduced"
    assert "proposed_fault" not in kept


def test_a_fixture_shows_its_class_and_its_fault(replay_: CommandLine, project: MakeProject) -> None:
    """`show` says what kind of trouble it was, and the command that brings it back."""
    record(replay_, project, READS, failure=THROTTLED)
    shown = replay_("show", "f/*").stdout
    assert "class      throttling" in shown
    assert "--fault sts:GetCallerIdentity=ThrottlingException" in shown
    assert json.loads(replay_("show", "f/*", "--json").stdout.splitlines()[0])["class"] == "throttling"


@pytest.mark.parametrize(
    ("source", "writes", "exit_code"),
    [(PUBLISHES, ["events:PutEvents"], 1), (STORES, [], 0), (READS, [], 0)],
    ids=["adds", "sets", "reads"],
)
def test_twice_finds_a_handler_that_is_not_idempotent(
    source: str, writes: list[str], exit_code: int, replay_: CommandLine, project: MakeProject
) -> None:
    """A second delivery that writes again is unexpected; one that leaves everything as it is is as expected."""
    record(replay_, project, source)
    assert replay_("expect", "*", "succeeds").exit_code == 0
    assert replay_("run").exit_code == 0
    result = replay_("run", "--twice", "--json")
    document = result.documents[0]
    assert document["second_delivery"] == {"status": "succeeded", "dispositions": ["processed"], "new_writes": writes}
    assert result.exit_code == exit_code
    if writes:
        assert document["verdict"] == "changed"
        assert document["reason"] == "not idempotent: the second delivery called events:PutEvents again"
        assert document["accept"] == []
        text = replay_("run", "--twice").stdout
        assert document["reason"] in text
        assert f"replay run f/{document['fixture']} --twice" in text


FROZEN = """
import uuid
FROZEN = str(uuid.uuid4())
seen = []
def handler(event, context):
    seen.append(1)
    return {"frozen": FROZEN, "fresh": str(uuid.uuid4()), "seen": len(seen), "same": 1}
"""


@pytest.mark.parametrize("isolation", ["in_process", "process"])
def test_cold_tells_what_is_kept_from_import(
    isolation: str, replay_: CommandLine, project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A uuid of the module and a list that grows are told by their places; what each call makes anew is not."""
    monkeypatch.setattr("replay.replayer.further_deliveries._ANOTHER_SECOND_S", 0)
    record(replay_, project, FROZEN, settings=f'isolation = "{isolation}"')
    replay_("expect", "*", "succeeds")
    before = replay_("run", "--json").documents[0]["notes"]
    result = replay_("run", "--cold", "--json")
    frozen, grown = [note for note in result.documents[0]["notes"] if note not in before]
    assert "frozen at import: the answer frozen: the same" in frozen
    assert "kept between invocations: the answer seen: a warm" in grown
    assert result.exit_code == 0


def test_cold_is_silent_about_a_function_that_keeps_nothing(replay_: CommandLine, project: MakeProject) -> None:
    """Times and ids that each invocation makes for itself are no news."""
    record(
        replay_,
        project,
        "import time, uuid\ndef handler(event, context):\n    return [time.time(), str(uuid.uuid4())]\n",
    )
    replay_("expect", "*", "succeeds")
    assert replay_("run", "--cold", "--json").documents[0]["notes"] == []


def test_twice_finds_new_writes_in_a_process_of_its_own(replay_: CommandLine, project: MakeProject) -> None:
    """The mocked AWS of a child process keeps its state between the two deliveries, too."""
    pytest.importorskip("awslambdaric")
    for source, writes in ((PUBLISHES, ["events:PutEvents"]), (STORES, [])):
        record(replay_, project, source, settings='isolation = "process"')
        document = replay_("run", "--twice", "--no-pin", "--json").documents[0]
        assert document["second_delivery"]["new_writes"] == writes


LOOPS = f"{CLIENTS}def handler(event, context):\n    events.put_events(Entries=[{{'Source': 'shop', 'DetailType': 'Placed', 'Detail': '{{}}'}}])\n"


def test_an_infinite_loop_is_noted(replay_: CommandLine, project: MakeProject) -> None:
    """A handler that publishes the event that calls it is told of, and its verdict stays."""
    folder = project(LOOPS, {"source": "shop", "detail-type": "Placed", "detail": {}})
    assert replay_("record", "files", "--path", "events.jsonl", "--function", "f").exit_code == 0
    replay_("expect", "*", "succeeds")
    result = replay_("run", "--json")
    assert result.documents[0]["notes"] == [
        "infinite loop: f sends events of the type that calls it (events:PutEvents, shop: Placed)"
    ]
    assert result.exit_code == 0
    assert folder.is_dir()
