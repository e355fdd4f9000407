"""`replay redrive` on the command line: checked, planned, judged, and by default nothing but told."""

import io
import json
import signal
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws

from replay.delivery.attempt import Attempt, Reply
from replay.functions.function import Function
from replay.ledger.ledger import Ledger, read_run, run_paths
from replay.payloads.failures import Failure
from replay.project import Project, open_project
from replay.redriver import redrive as redrive_module
from replay.redriver.preparing import RedriveRequest, prepare_redrive
from replay.redriver.queue_outlet import QueueOutlet
from replay.redriver.redrive import Redrive
from replay.targets.base import Invoker
from replay.targets.guard_rails import deployed
from replay.targets.lambda_ import LambdaTarget
from replay.targets.sending import Answered
from replay.targets.sqs import SqsTarget
from tests.cli.command_line import CommandLine
from tests.rates import count_limit
from tests.redriver.letters import attributes

ACCOUNT = "123456789012"
HANDLER = """\
def handler(event, context):
    for record in event["Records"]:
        if "poison" in record["body"]:
            raise KeyError("customer_id")
"""
REPORTING = """\
def handler(event, context):
    poison = [record["messageId"] for record in event["Records"] if "poison" in record["body"]]
    return {"batchItemFailures": [{"itemIdentifier": each} for each in poison]}
"""
TARGETS = f'[tool.replay.targets.orders-dlq]\nkind = "sqs"\naccount_id = "{ACCOUNT}"\n'


class Queues:
    """A queue and its dead-letter queue, on a mocked AWS."""

    def __init__(self, name: str = "orders", **attributes: str) -> None:
        self.client: Any = boto3.client("sqs")
        suffix = ".fifo" if attributes else ""
        self.dead_url = self.client.create_queue(QueueName=f"{name}-dlq{suffix}", Attributes=attributes)["QueueUrl"]
        asked = {"QueueUrl": self.dead_url, "AttributeNames": ["QueueArn"]}
        self.dead_arn = self.client.get_queue_attributes(**asked)["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": self.dead_arn, "maxReceiveCount": 3})
        made = self.client.create_queue(QueueName=f"{name}{suffix}", Attributes={"RedrivePolicy": policy, **attributes})
        self.url = made["QueueUrl"]

    def fill(self, *bodies: str) -> None:
        for body in bodies:
            self.client.send_message(QueueUrl=self.dead_url, MessageBody=body)

    def bodies(self, url: str) -> list[str]:
        found: list[str] = []
        while messages := self.client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [message["Body"] for message in messages]
        return sorted(found)


class Here(Invoker):
    """Calls the handler at once: a child process for each of these tests would only cost time."""

    name = "here"

    def __exit__(self, *_: object) -> None:
        """Leave nothing."""

    def begin(self, **_: Any) -> None:
        """Prepare nothing."""

    def invoke(self, attempt: Attempt) -> Reply:
        names: dict[str, Any] = {}
        try:
            exec(Path("app.py").read_text(), names)  # the test's own handler
            return Reply(status="returned", payload=json.dumps(names["handler"](json.loads(attempt.payload), None)))
        except Exception as error:  # noqa: BLE001 - whatever the handler raises is a reply
            request_id = "1" if names.get("handler") else ""
            failure = Failure(error_type=type(error).__name__, message="", request_id=request_id)
            return Reply(status="raised", failure=failure)


@pytest.fixture
def mocked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(deployed, "is_on_this_machine", lambda _: False)
    monkeypatch.setattr(redrive_module, "WAIT_S", 0)  # the mocked SQS sleeps that long at each empty receive
    monkeypatch.setattr(Project, "open_invoker", lambda *_, **__: Here())
    with mock_aws(config={"lambda": {"use_docker": False}}):
        yield


@pytest.fixture
def queues(mocked: None, project: Callable[..., Path]) -> Queues:
    project(HANDLER, settings=TARGETS)
    return Queues()


def redrive(replay_: CommandLine, *options: str, queue: str = "orders-dlq") -> Any:
    words = ("--function", "f", "--judge", "local", "--visibility-timeout-s", "1", "--yes")
    return replay_("redrive", queue, *words, *options)


def test_without_execute_it_only_tells(queues: Queues, replay_: CommandLine, tmp_path: Path) -> None:
    """A dry run is the default: what would be moved, why the rest would not, and that nothing was."""
    queues.fill("a", "poison", "b")
    told = redrive(replay_)
    assert told.exit_code == 1
    assert "2  would be moved" in told.stdout
    assert "KeyError" in told.stdout
    assert "add --execute" in told.stderr
    assert "weak evidence" in told.stderr
    assert queues.bodies(queues.url) == []
    assert queues.bodies(queues.dead_url) == ["a", "b", "poison"]
    assert run_paths(tmp_path) == []


def test_execute_moves_what_succeeds(queues: Queues, replay_: CommandLine, tmp_path: Path) -> None:
    """With --execute that goes back to the queue it came from, and `replay runs` tells of it; no body is in the ledger."""
    queues.fill("a", "poison", "b")
    told = redrive(replay_, "--execute", "--json")
    assert told.exit_code == 1
    plan, *messages, summary = told.documents
    assert (plan["type"], summary["outcomes"]) == ("plan", {"moved": 2, "still_fails": 1})
    assert {each["outcome"] for each in messages} == {"moved", "still_fails"}
    assert queues.bodies(queues.url) == ["a", "b"]
    assert queues.bodies(queues.dead_url) == ["poison"]
    row = replay_("runs", "--json").documents[0]
    assert (row["command"], row["acknowledged"], row["account_id"], row["ended"]) == ("redrive", 2, ACCOUNT, True)
    assert "poison" not in run_paths(tmp_path)[0].read_text()
    assert f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders" in json.dumps(plan)


def test_all_given_back_is_exit_code_0(queues: Queues, replay_: CommandLine) -> None:
    """Where everything succeeds now, all is as hoped; an empty queue is too."""
    queues.fill("a")
    assert redrive(replay_, "--execute").exit_code == 0
    told = redrive(replay_)
    assert told.exit_code == 0
    assert "queue is empty" in told.stderr


def test_it_asks_before_it_moves(queues: Queues, replay_: CommandLine) -> None:
    """Without a terminal and --yes nothing is received or moved: exit code 2."""
    queues.fill("a")
    told = replay_("redrive", "orders-dlq", "--function", "f", "--judge", "local", "--execute")
    assert told.exit_code == 2
    assert "--yes" in told.stderr
    assert queues.bodies(queues.dead_url) == ["a"]


def test_an_account_that_is_not_named_is_refused(
    mocked: None, project: Callable[..., Path], replay_: CommandLine
) -> None:
    """Also of a redrive: a queue beyond this machine needs its account in the configuration."""
    project(HANDLER)
    queues = Queues()
    queues.fill("a")
    told = redrive(replay_, "--execute")
    assert told.exit_code == 2
    assert "account_id" in told.stderr
    assert queues.bodies(queues.dead_url) == ["a"]


def test_a_source_queue_that_looks_like_production_is_refused(
    mocked: None, project: Callable[..., Path], replay_: CommandLine
) -> None:
    """The queue that messages go back to is looked at like any target; `production = true` is the word."""
    root = project(HANDLER, settings=TARGETS.replace("orders-dlq", "prod-orders-dlq"))
    queues = Queues("prod-orders")
    queues.fill("a")
    told = redrive(replay_, "--execute", queue="prod-orders-dlq")
    assert told.exit_code == 2
    assert "looks like production" in told.stderr
    (root / "pyproject.toml").write_text((root / "pyproject.toml").read_text() + "production = true\n")
    assert redrive(replay_, "--execute", queue="prod-orders-dlq").exit_code == 0
    assert queues.bodies(queues.url) == ["a"]


def test_a_queue_that_is_no_dead_letter_queue_is_refused(
    mocked: None, project: Callable[..., Path], replay_: CommandLine
) -> None:
    """Looking at a queue with a redrive policy would push its messages away: refused, and the right queue is named."""
    project(HANDLER, settings=TARGETS.replace("orders-dlq", "orders"))
    Queues()
    told = redrive(replay_, queue="orders")
    assert told.exit_code == 2
    assert "replay redrive orders-dlq" in told.stderr


def test_nobody_judges_by_accident(queues: Queues, replay_: CommandLine) -> None:
    """Without a target `staging` it wants to be told who judges, and says that local is weak evidence."""
    told = replay_("redrive", "orders-dlq", "--function", "f")
    assert told.exit_code == 2
    assert "--judge local: weak evidence" in told.stderr


def test_a_handler_that_cannot_start_judges_nothing(
    mocked: None, project: Callable[..., Path], replay_: CommandLine
) -> None:
    """A function that cannot even be imported says nothing of a message: could not be judged, exit code 2."""
    project("import nowhere_to_be_found\n", settings=TARGETS)
    queues = Queues()
    queues.fill("a")
    told = redrive(replay_, "--execute", "--json")
    assert told.exit_code == 2
    assert told.documents[-1]["outcomes"] == {"not_judged": 1}
    assert queues.bodies(queues.dead_url) == ["a"]


def test_errors_stop_it(mocked: None, project: Callable[..., Path], replay_: CommandLine) -> None:
    """--stop-on-first stops at the first message that cannot be judged; a message that still fails is no error."""
    project("import nowhere_to_be_found\n", settings=TARGETS)
    queues = Queues()
    queues.fill(*(str(number) for number in range(25)))
    told = redrive(replay_, "--execute", "--stop-on-first", "--json")
    assert told.exit_code == 2
    assert sum(told.documents[-1]["outcomes"].values()) <= 10
    assert told.documents[-1]["stopped"]


def test_the_rate_bounds_what_is_judged_and_what_is_moved(
    queues: Queues, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each message waits for its tick before it is judged; unjudged, a chunk waits for all of its own before it goes."""
    sent: list[str] = []
    real = QueueOutlet.send
    monkeypatch.setattr(QueueOutlet, "send", lambda self, each: sent.extend(map(str, each)) or real(self, each))
    limit = count_limit(monkeypatch, redrive_module, lambda: len(sent))
    queues.fill("a", "b", "poison")
    assert redrive(replay_, "--execute", "--rate", "5/s", "--ramp-up", "3s").exit_code == 1
    assert limit.rates == [(5.0, 3.0)]
    assert [count for count, _ in limit.waited] == [1, 1, 1]
    sent.clear()
    limit.waited.clear()
    queues.fill("c", "d")
    words = ("--all", "--limit", "3", "--execute", "--yes", "--rate", "5/s")
    assert replay_("redrive", "orders-dlq", *words).exit_code == 0
    assert sum(count for count, _ in limit.waited) == 3
    assert limit.waited[0] == (limit.waited[0][0], 0)


def test_no_message_of_a_group_overtakes_one_that_could_not_be_sent(
    mocked: None, project: Callable[..., Path], replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes behind it in its group stays, and says why; other groups go on."""
    project(HANDLER, settings=TARGETS.replace("orders-dlq", '"orders-dlq.fifo"', 1))
    queues = Queues(FifoQueue="true")
    for group, number in (("a", 0), ("a", 1), ("b", 0), ("a", 2)):
        body = {
            "MessageBody": f"{group}{number}",
            "MessageGroupId": group,
            "MessageDeduplicationId": f"{group}{number}",
        }
        queues.client.send_message(QueueUrl=queues.dead_url, **body)
    real = QueueOutlet.send

    def refusing(outlet: QueueOutlet, captures: Any) -> Answered:
        bad = {each.origin.identity: "InvalidMessageContents" for each in captures if each.body == "a0"}
        rest = [each for each in captures if each.body != "a0"]
        answered = real(outlet, rest) if rest else Answered()
        return replace(answered, refused={**answered.refused, **bad}, final=frozenset(bad))

    monkeypatch.setattr(QueueOutlet, "send", refusing)
    told = redrive(replay_, "--execute", "--json", queue="orders-dlq.fifo")
    assert told.exit_code == 2
    assert told.documents[-1]["outcomes"] == {"not_sent": 3, "moved": 1}
    assert told.documents[-1]["reasons"]["an earlier message of its group could not be sent"] == 2
    assert queues.bodies(queues.url) == ["b0"]


def test_what_was_acknowledged_is_not_judged_again(queues: Queues, replay_: CommandLine, tmp_path: Path) -> None:
    """It is in its queue already: whatever the function says of it now, the dead letter is deleted."""
    redrive(replay_, "--execute")
    identity = queues.client.send_message(QueueUrl=queues.dead_url, MessageBody="poison")["MessageId"]
    with run_paths(tmp_path)[0].open("a") as file:
        for kind in ("sent", "acknowledged"):
            file.write(json.dumps({"type": kind, "key": identity, "message_id": "m"}) + "\n")
    told = redrive(replay_, "--resume", "last", "--json")
    assert told.documents[-1]["outcomes"] == {"moved": 1}
    assert queues.bodies(queues.dead_url) == []
    assert queues.bodies(queues.url) == []


def test_what_a_filter_drops_is_not_given_back(
    mocked: None, project: Callable[..., Path], replay_: CommandLine
) -> None:
    """A message that its event source would filter out would be deleted unseen: it stays."""
    event_source = 'event_source = { kind = "sqs", filter_criteria = [\'{"body": {"kind": ["order"]}}\'] }\n'
    project(HANDLER, settings=event_source + TARGETS)
    queues = Queues()
    queues.fill('{"kind": "order"}', '{"kind": "other"}')
    told = redrive(replay_, "--execute", "--json")
    assert told.documents[-1]["outcomes"] == {"moved": 1, "still_fails": 1}
    assert queues.bodies(queues.url) == ['{"kind": "order"}']


def test_what_the_function_reports_as_failed_is_not_given_back(
    mocked: None, project: Callable[..., Path], replay_: CommandLine
) -> None:
    """A message in `batchItemFailures` stays, although nothing says that the event source heeds such a report."""
    project(REPORTING, settings=TARGETS)
    queues = Queues()
    queues.fill("a", "poison")
    told = redrive(replay_, "--execute", "--json")
    assert told.exit_code == 1
    assert told.documents[-1]["outcomes"] == {"moved": 1, "still_fails": 1}
    assert told.documents[-1]["reasons"] == {"BatchItemFailures": 1}
    assert queues.bodies(queues.url) == ["a"]


def test_each_reason_stands_below_its_outcome(queues: Queues, replay_: CommandLine) -> None:
    """Why messages stay is told below those that stay, and not below those that were moved."""
    queues.fill("a", "poison 1", "poison 2")
    told = redrive(replay_, "--execute")
    lines = [line.strip() for line in told.stdout.splitlines()][-3:]
    assert lines == ["2  still fail, and stay", "2  KeyError", "1  moved"]


def test_judging_here_needs_a_runtime_client(
    queues: Queues, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it --judge local says how to install it, before any message has been received."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr(Redrive, "events", lambda _: pytest.fail("a message was received"))
    queues.fill("a")
    told = redrive(replay_)
    assert told.exit_code == 2
    assert "pip install 'event-replay[process]'" in told.stderr
    assert told.stdout == ""


def test_where_messages_go_must_be_known(mocked: None, project: Callable[..., Path], replay_: CommandLine) -> None:
    """A queue that no other names as its dead-letter queue has no way back: --to says one, and it is no circle."""
    project(HANDLER, settings=TARGETS.replace("orders-dlq", "alone"))
    client: Any = boto3.client("sqs")
    url = client.create_queue(QueueName="alone")["QueueUrl"]
    client.create_queue(QueueName="elsewhere")
    client.send_message(QueueUrl=url, MessageBody="a")
    told = redrive(replay_, queue="alone")
    assert told.exit_code == 2
    assert "--to QUEUE" in told.stderr
    assert redrive(replay_, "--to", "alone", queue="alone").exit_code == 2
    assert redrive(replay_, "--to", "elsewhere", "--execute", queue="alone").exit_code == 0


def test_what_was_acknowledged_is_only_deleted(queues: Queues, replay_: CommandLine, tmp_path: Path) -> None:
    """A run that was killed behind its acknowledgement is gone on with: the message is deleted, and not sent again."""
    queues.fill("a")
    redrive(replay_, "--execute")
    path = run_paths(tmp_path)[0]
    identity = queues.client.send_message(QueueUrl=queues.dead_url, MessageBody="b")["MessageId"]
    with path.open("a") as file:
        file.write(json.dumps({"type": "sent", "key": identity}) + "\n")
        file.write(json.dumps({"type": "acknowledged", "key": identity, "message_id": "m"}) + '\n{"type": "obs')
    told = redrive(replay_, "--resume", "last")
    assert told.exit_code == 0
    assert queues.bodies(queues.dead_url) == []
    assert queues.bodies(queues.url) == ["a"]
    assert read_run(path).in_doubt == ()
    assert redrive(replay_, "--resume", "last", "--dry-run").exit_code == 2


def test_what_comes_back_is_not_sent_in_circles(queues: Queues, replay_: CommandLine, tmp_path: Path) -> None:
    """A message that this run has moved, and that failed again in its queue, stays in the dead-letter queue."""
    queues.fill("a")
    redrive(replay_, "--execute")
    path = run_paths(tmp_path)[0]
    identity = queues.client.send_message(QueueUrl=queues.dead_url, MessageBody="a")["MessageId"]
    with path.open("a") as file:
        file.write(json.dumps({"type": "acknowledged", "key": "before", "message_id": identity}) + "\n")
    told = redrive(replay_, "--resume", "last", "--json")
    assert told.exit_code == 1
    assert told.documents[-1]["outcomes"] == {"came_back": 1}
    assert queues.bodies(queues.dead_url) == ["a"]


def test_all_is_planned_and_judged_by_nobody(queues: Queues, replay_: CommandLine) -> None:
    """--all ends behind the plan without --execute, and takes neither a function nor a judge."""
    queues.fill("a")
    told = replay_("redrive", "orders-dlq", "--all")
    assert told.exit_code == 0
    assert "orders-dlq" in told.stderr
    assert "add --execute" in told.stderr
    refused = replay_("redrive", "orders-dlq", "--all", "--execute")
    assert refused.exit_code == 2
    assert "nobody can be asked" in refused.stderr
    for option in (("--function", "f"), ("--judge", "local")):
        assert replay_("redrive", "orders-dlq", "--all", *option).exit_code == 2
    assert queues.bodies(queues.dead_url) == ["a"]


def test_all_that_sqs_has_no_task_for_is_moved_message_by_message(
    queues: Queues, replay_: CommandLine, tmp_path: Path
) -> None:
    """Part of a queue, and then the rest of that run, go without SQS's own task, unjudged, with a ledger."""
    queues.fill("a", "poison", "b")
    told = replay_("redrive", "orders-dlq", "--all", "--limit", "2", "--execute", "--yes", "--json")
    assert told.exit_code == 0
    assert told.documents[-1]["outcomes"] == {"moved": 2}
    told = replay_("redrive", "orders-dlq", "--all", "--resume", "last", "--yes", "--json")
    assert told.documents[-1]["outcomes"] == {"moved": 1}
    assert queues.bodies(queues.url) == ["a", "b", "poison"]
    assert queues.bodies(queues.dead_url) == []
    assert len(read_run(run_paths(tmp_path)[0]).acknowledged) == 3


class Deployed:
    """The function `orders` on a mocked Lambda that takes every invocation, and the dead letters of it."""

    def __init__(self, queues: Queues, *, tags: dict[str, str] | None = None) -> None:
        self.queues = queues
        self.invoked: list[bytes] = []
        self.dead_letters = queues.dead_arn
        role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as file:
            file.writestr("app.py", "")
        client: Any = boto3.client("lambda")
        self.arn = client.create_function(
            FunctionName="orders",
            Runtime="python3.12",
            Role=role,
            Handler="app.handler",
            Code={"ZipFile": code.getvalue()},
            Tags=tags or {},
        )["FunctionArn"]

    def fail(self, *events: str, request_id: str = "r-1") -> None:
        for event in events:
            self.queues.client.send_message(
                QueueUrl=self.queues.dead_url, MessageBody=event, MessageAttributes=attributes(request_id)
            )


@pytest.fixture
def function(queues: Queues, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    deployed_function = Deployed(queues)
    real = BaseClient._make_api_call

    def noting(client: Any, operation: str, request: dict[str, Any]) -> Any:
        answer = real(client, operation, request)
        if operation == "Invoke":
            deployed_function.invoked.append(request["Payload"])
            assert (request["FunctionName"], request["InvocationType"]) == (deployed_function.arn, "Event")
        if operation == "ListFunctions":  # moto keeps no DeadLetterConfig
            answer["Functions"][0]["DeadLetterConfig"] = {"TargetArn": deployed_function.dead_letters}
        return answer

    monkeypatch.setattr(BaseClient, "_make_api_call", noting)
    return deployed_function


def test_dead_letters_of_a_function_are_invoked_again(function: Deployed, replay_: CommandLine, tmp_path: Path) -> None:
    """Those that now succeed, with the exact event, and deleted once Lambda has acknowledged; the rest stays."""
    good = '{"Records": [], "total": 1.10}'
    function.fail(good, '{"no": "records"}')
    told = redrive(replay_, "--json")
    assert told.documents[-1]["outcomes"] == {"would_move": 1, "still_fails": 1}
    assert function.invoked == []
    told = redrive(replay_, "--execute", "--json")
    assert told.exit_code == 1
    assert told.documents[-1]["outcomes"] == {"moved": 1, "still_fails": 1}
    assert told.documents[-1]["reasons"] == {"KeyError": 1}
    assert function.arn in [each["arn"] for each in told.documents[0]["destinations"]]
    assert function.invoked == [good.encode()]
    assert function.queues.bodies(function.queues.dead_url) == ['{"no": "records"}']
    (acknowledged,) = read_run(run_paths(tmp_path)[0]).acknowledged.values()
    assert acknowledged["request_id"]


def test_an_invocation_that_fails_again_is_not_sent_in_circles(function: Deployed, replay_: CommandLine) -> None:
    """It comes back under the request id of the ledger, as another message, and stays."""
    function.fail('{"Records": []}')
    redrive(replay_, "--execute")
    (acknowledged,) = read_run(run_paths(Path.cwd())[0]).acknowledged.values()
    function.fail('{"Records": []}', request_id=acknowledged["request_id"])
    told = redrive(replay_, "--resume", "last", "--json")
    assert told.documents[-1]["outcomes"] == {"came_back": 1}
    assert len(function.invoked) == 1


def test_a_function_can_be_named(function: Deployed, replay_: CommandLine) -> None:
    """--to lambda:NAME takes dead letters of functions, and no messages that never were an event of one."""
    function.fail('{"Records": []}')
    function.queues.fill("a")
    told = redrive(replay_, "--execute", "--json", "--to", "lambda:orders")
    assert told.exit_code == 2
    assert told.documents[-1]["outcomes"] == {"moved": 1, "not_sent": 1}
    assert "no dead letter of a function" in json.dumps(told.documents[-1]["reasons"])
    assert function.queues.bodies(function.queues.dead_url) == ["a"]


def test_a_function_that_looks_like_production_is_refused(queues: Queues, replay_: CommandLine) -> None:
    """A function that dead letters go back to has all guard rails: its tags are read before anything is."""
    deployed_function = Deployed(queues, tags={"stage": "production"})
    deployed_function.fail('{"Records": []}')
    told = redrive(replay_, "--execute", "--to", f"lambda:{deployed_function.arn}")
    assert told.exit_code == 2
    assert "looks like production" in told.stderr
    assert deployed_function.arn in told.stderr


def test_the_plan_says_who_gets_what_comes_of_it(function: Deployed, replay_: CommandLine) -> None:
    """The destinations of a function's asynchronous invocations stand in the plan, before anything is sent."""
    arn = "arn:aws:sqs:us-east-1:123456789012:audit"
    function.queues.client.create_queue(QueueName="audit")
    boto3.client("lambda").put_function_event_invoke_config(
        FunctionName="orders", DestinationConfig={"OnSuccess": {"Destination": arn}}
    )
    function.fail("{}")
    told = replay_("redrive", "orders-dlq", "--all", "--to", "lambda:orders")
    assert told.exit_code == 0
    assert f"seen by {arn} if it succeeds" in told.stderr
    assert function.invoked == []


def test_the_plan_says_who_consumes_the_queue(function: Deployed, replay_: CommandLine) -> None:
    """What is given back is seen by whoever is mapped to the queue: the plan names them before anything moves."""
    asked = {"QueueUrl": function.queues.url, "AttributeNames": ["QueueArn"]}
    arn = function.queues.client.get_queue_attributes(**asked)["Attributes"]["QueueArn"]
    boto3.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="orders")
    function.queues.fill("a")
    told = replay_("redrive", "orders-dlq", "--all", "--to", "orders")
    assert told.exit_code == 0
    assert "seen by function orders" in told.stderr


def test_what_others_hold_is_told_and_not_forgotten(queues: Queues, replay_: CommandLine) -> None:
    """What a killed run still holds cannot be seen yet: neither "all moved" nor "empty" is said, but exit code 2."""
    queues.fill("a", "b", "c")
    queues.client.receive_message(QueueUrl=queues.dead_url, MaxNumberOfMessages=1, VisibilityTimeout=600)
    told = redrive(replay_, "--execute", "--json")
    assert told.exit_code == 2
    plan, summary = told.documents[0], told.documents[-1]
    assert plan["taken_from"] == [
        "queue orders-dlq; 1 more is in flight, held by a consumer or by a run that was killed"
    ]
    assert (summary["outcomes"], summary["unseen"]) == ({"moved": 2}, 1)
    assert "in flight when this began" in summary["notes"][0]
    assert f"--resume {summary['run']}" in told.stderr
    again = redrive(replay_, "--resume", "last")
    assert again.exit_code == 2
    assert "is empty" not in again.stderr
    assert redrive(replay_, "--limit", "1").exit_code == 2  # nothing came, and the one is still there


def test_what_a_group_hides_is_told(mocked: None, project: Callable[..., Path], replay_: CommandLine) -> None:
    """Of a FIFO group nothing is given behind what stays: that the rest was not judged is said."""
    project(HANDLER, settings=TARGETS.replace("orders-dlq", '"orders-dlq.fifo"', 1))
    queues = Queues(FifoQueue="true")
    for number in range(12):
        body = {"MessageBody": f"poison {number}", "MessageGroupId": "g", "MessageDeduplicationId": str(number)}
        queues.client.send_message(QueueUrl=queues.dead_url, **body)
    told = redrive(replay_, "--json", queue="orders-dlq.fifo")
    assert told.exit_code == 2
    assert (told.documents[-1]["outcomes"], told.documents[-1]["unseen"]) == ({"still_fails": 10}, 2)
    assert "of a FIFO group" in told.documents[-1]["notes"][0]


def test_a_dry_run_ends_behind_the_plan(queues: Queues, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--dry-run` needs no agreement, since nothing is sent: also not to the function that would judge."""
    monkeypatch.setattr(Here, "invoke", lambda *_: pytest.fail("it was invoked"))
    queues.fill("a")
    told = replay_("redrive", "orders-dlq", "--function", "f", "--judge", "local", "--dry-run")
    assert (told.exit_code, told.stdout) == (0, "")
    assert "from queue orders-dlq" in told.stderr
    assert "nobody was asked" in told.stderr
    assert (
        replay_("redrive", "orders-dlq", "--function", "f", "--judge", "local", "--execute", "--dry-run").exit_code == 2
    )


def test_the_section_that_is_missing_is_that_of_the_dead_letter_queue(
    mocked: None, project: Callable[..., Path], replay_: CommandLine
) -> None:
    """The message names the section to write, ready to be pasted; with it the redrive goes through."""
    project(HANDLER)
    Queues(FifoQueue="true")
    told = redrive(replay_, queue="orders-dlq.fifo")
    assert told.exit_code == 2
    assert '[tool.replay.targets."orders-dlq.fifo"] kind = "sqs"' in told.stderr


def test_a_function_that_is_not_here_judges_nothing_here(queues: Queues, replay_: CommandLine) -> None:
    """A mistyped name is one message, and not one for each letter."""
    told = replay_("redrive", "orders-dlq", "--function", "orrders", "--judge", "local", "--yes")
    assert told.exit_code == 2
    assert "orrders" in told.stderr
    assert told.stdout == ""


def test_the_plan_says_what_is_emptied(queues: Queues, replay_: CommandLine) -> None:
    """Nothing is sent to the dead-letter queue, and the plan does not say so."""
    queues.fill("a")
    told = redrive(replay_, "--execute")
    assert f"deleted, once they have arrived, from {queues.dead_arn}" in told.stderr
    assert f"\nto {queues.dead_arn}" not in told.stderr


@pytest.mark.parametrize("which", ["dead_url", "url"])
def test_each_queue_is_looked_at(queues: Queues, replay_: CommandLine, which: str) -> None:
    """The dead-letter queue and the queue that messages go back to: one that is production by its tags is enough."""
    queues.fill("a")
    queues.client.tag_queue(QueueUrl=getattr(queues, which), Tags={"stage": "production"})
    told = redrive(replay_, "--execute")
    assert told.exit_code == 2
    assert "tag stage='production'" in told.stderr
    assert queues.bodies(queues.dead_url) == ["a"]


def test_who_judges_is_checked_before_anybody_is_asked(
    queues: Queues, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A function that looks like production judges nothing, and the plan is not even shown."""
    Deployed(queues, tags={"stage": "production"})
    known = Function(name="f", handler="app.handler", code=tmp_path)
    monkeypatch.setattr(
        Project, "open_invoker", lambda *_, **__: LambdaTarget(known, function="orders", account_id=ACCOUNT)
    )
    queues.fill("a")
    told = replay_("redrive", "orders-dlq", "--function", "f", "--judge", "lambda:orders", "--yes")
    assert told.exit_code == 2
    assert "looks like production" in told.stderr
    assert "1 event" not in told.stderr


def test_another_run_is_not_gone_on_with(queues: Queues, replay_: CommandLine, tmp_path: Path) -> None:
    """The ledger of another command, or of another queue, is refused: its keys mean nothing here."""
    queues.fill("a")
    for known in (
        {"command": "run", "target": queues.dead_arn},
        {"command": "redrive", "target": queues.dead_arn + "2"},
    ):
        with Ledger.begin(tmp_path, **known) as other:
            pass
        told = redrive(replay_, "--resume", other.run)
        assert told.exit_code == 2
        assert "that run is another one" in told.stderr
    assert queues.bodies(queues.dead_url) == ["a"]


def test_boto3_sends_nothing_twice_by_itself(queues: Queues, replay_: CommandLine) -> None:
    """Where an answer was lost only the ledger may decide: clients that send make a single attempt."""
    deployed_function = Deployed(queues)
    for to in ("", f"lambda:{deployed_function.arn}"):
        request = RedriveRequest(queue="orders-dlq", function="f", judge="local", to=to)
        found = prepare_redrive(open_project(), request).redrive
        for client in (found.deleting_client, *(outlet._client for outlet in found.routes)):  # type: ignore[attr-defined]  # each has one
            assert client.meta.config.retries["total_max_attempts"] == 1


def test_what_gives_no_answer_judges_nothing(
    queues: Queues, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A queue as the judge is refused before a message is leased."""
    monkeypatch.setattr(Project, "open_invoker", lambda *_, **__: SqsTarget(queue="orders"))
    queues.fill("a")
    told = replay_("redrive", "orders-dlq", "--function", "f", "--judge", "sqs:orders", "--yes")
    assert told.exit_code == 2
    assert "cannot judge" in told.stderr
    assert told.stdout == ""


@pytest.mark.parametrize("words", [("--execute",), ()], ids=["moving", "telling"])
def test_a_cancelled_job_gives_every_message_back(
    queues: Queues, replay_: CommandLine, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """SIGTERM is Ctrl-C while messages are leased: what was moved is told, the rest is back at once, exit code 130."""
    ends: list[object] = []

    def cancelled(*_: Any) -> None:
        ends.append(signal.getsignal(signal.SIGTERM))
        raise KeyboardInterrupt

    monkeypatch.setattr(Here, "invoke", cancelled)
    queues.fill("a", "b")
    told = redrive(replay_, *words)
    assert told.exit_code == 130
    assert ends[:1] == [signal.default_int_handler]
    assert "interrupted" in told.stderr
    assert "the queue is empty" not in told.stderr
    assert queues.bodies(queues.dead_url) == ["a", "b"]
