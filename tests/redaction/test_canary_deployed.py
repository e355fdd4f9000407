"""Five hundred secrets through what is deployed: runs, comparisons, redrives, traces. None is in a ledger or told."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws

from replay.delivery.attempt import Attempt, Reply
from replay.ledger.ledger import read_run, run_paths
from replay.payloads.failures import Failure
from replay.project import Project
from tests.cli.command_line import CommandLine, Result, make_command_line, make_project
from tests.cli.test_deployed_targets import STAGING
from tests.cli.test_redrive import TARGETS, Here, Queues, mocked
from tests.enrichment.lambda_log import BEGAN_MS, LambdaLog
from tests.redaction.labelled_corpus import STRUCTURED, Labelled, readable
from tests.redaction.test_canary import ECHOING, _forms
from tests.sources.traced_requests import put_trace
from tests.targets.deployed_aws import Answer, DeployedAws, deployed_aws

__all__ = ["mocked"]

_TOGETHER = 40


class _Echoing(Here):
    """Judge as a function that lets every second message fail, and puts all of each everywhere."""

    def invoke(self, attempt: Attempt) -> Reply:
        body = json.loads(attempt.payload)["Records"][0]["body"]
        if json.loads(body)["number"] % 2 == 0:
            return Reply(status="returned", payload=json.dumps(body), log=attempt.payload)
        failure = Failure(error_type="ValueError", message=f"refused {body}", stack=body, request_id="1")
        return Reply(status="raised", failure=failure, log=f"{attempt.payload}\n{body!r}", payload=json.dumps(body))


@pytest.fixture(scope="module")
def planted() -> list[Labelled]:
    random, kinds = Random("canary of what is deployed"), list(STRUCTURED.values())
    return [kinds[number % len(kinds)](random) for number in range(500)]


@pytest.fixture
def events(planted: list[Labelled]) -> list[dict[str, Any]]:
    """Put forty in an event, each where a text, a key, and JSON in a string is."""
    many = [planted[start : start + _TOGETHER] for start in range(0, len(planted), _TOGETHER)]
    return [
        {
            "number": number,
            "notes": [each.text for each in several[::2]],
            "by": {each.text: {"note": json.dumps({"of": each.text})} for each in several[1::2]},
        }
        for number, several in enumerate(many)
    ]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Call our command line, and keep all that it says."""
    for name in ("REPLAY_REDACTION_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    return make_command_line(capsys)


@pytest.fixture
def nothing_left(planted: list[Labelled], tmp_path: Path) -> Callable[..., None]:
    """Give a function that looks through the project, and all that was told, for any form of any secret."""

    def check(*told: Result) -> None:
        written = {str(path): path.read_bytes() for path in (tmp_path / "project").rglob("*") if path.is_file()}
        texts = [content.decode(errors="replace") for content in written.values()]
        events = [readable(text) for path, text in zip(written, texts, strict=True) if path.endswith("event.json")]
        everything = "\n".join([*written, *texts, *events, *(each.stdout + each.stderr for each in told)])
        assert [each.secret for each in planted if any(form in everything for form in _forms(each.secret))] == []

    return check


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def _echo(event: Any) -> Answer:
    """Fail as a function that puts all that it was sent everywhere."""
    words = json.dumps(event)
    return Answer(
        payload={
            "errorMessage": f"refused {words}", "errorType": "ValueError", "requestId": "x",
            "stackTrace": [f'  File "/var/task/app.py", line 9, in handler\n    raise ValueError({words[:400]!r})\n'],
        },
        function_error="Unhandled", log=f"START RequestId: x\n{words}\n{event!r}\nREPORT RequestId: x"[-4_096:],
    )  # fmt: skip


def _give_back(event: Any) -> Answer:
    return Answer(payload={"echo": event, "text": json.dumps(event), "seen": repr(event)}, log=repr(event)[-4_096:])


def _fail_in_all_ways(event: Any) -> Answer:
    """Hang up on one, refuse another and quote it, and give the rest back."""
    if event["number"] == 3:
        return Answer(hang_up=True)
    if event["number"] == 4:
        return Answer(status=400, error_type="InvalidRequestContentException", error_message=f"not {json.dumps(event)}")
    return _give_back(event)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, call: CommandLine) -> Iterator[DeployedAws]:
    with deployed_aws() as served:
        monkeypatch.setenv("AWS_ENDPOINT_URL", served.url)
        yield served


def test_no_canary_is_left_by_deployed_runs(
    aws: DeployedAws, root: Path, events: list[Any], call: CommandLine, nothing_left: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """Stand-ins and originals, through a function that echoes: in verdicts, comparisons, ledgers, exports, reports."""
    caplog.set_level("INFO")  # at DEBUG botocore itself writes down what goes over the wire
    monkeypatch.setenv("REPLAY_DEBUG", "1")
    make_project(root, ECHOING, settings=STAGING)
    (root / "events.jsonl").unlink()
    source = root.parent / "events.jsonl"
    source.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    recording = ("record", "files", str(source), "--function", "f", "--all", "--no-verify")
    told = [call(*recording, "--json"), call(*recording, "--again"), call("run", "--no-pin")]
    assert [each.exit_code for each in told] == [0, 0, 0]
    few = f"*{next(iter(Path('fixtures/f').iterdir())).name[-8:]}"
    to_staging, compared = (
        ("run", "--target", "staging", "--yes"),
        ("run", "--target", "local", "--target", "staging", "--yes"),
    )
    for answer, arguments in (
        (_echo, (*to_staging, "--red", "--junit", "1.xml")), (_fail_in_all_ways, (*to_staging, "--originals", "--junit", "2.xml")),
        (_echo, ("run", "--resume", "last", "--originals", "--yes", "--json")),
        (_echo, ("run", few, "--target", "staging", "--yes", "--originals", "--twice", "--red")),
        (_give_back, (*compared, "--originals", "--json", "--junit", "3.xml")), (_give_back, ("run", few, *compared[1:])),
        (_echo, ("run", few, "--target", "staging", "--baseline", "local", "--yes")), (_echo, (*to_staging, "--dry-run", "--json")),
        (_echo, ("run", few, "--fault", "sqs:*=AccessDenied", "--json", "--no-pin")), (_echo, ("runs",)), (_echo, ("runs", "--json")),
        (_echo, ("export", "--out", "out.jsonl")), (_echo, ("doctor",)), (_echo, ("expect", "*", "succeeds")),
        (_echo, ("list", "--duplicates")), (_echo, ("pack",)),
    ):  # fmt: skip
        aws.answer = answer
        told.append(call(*arguments))
        assert "Traceback" not in told[-1].stderr
    assert sum(event in events for event in aws.invocations) >= 2 * len(events)  # originals were sent, as they were
    assert len([path for path in run_paths(root) if read_run(path).sent]) >= 6
    assert [call("scan", path).exit_code for path in ("fixtures", "out.jsonl")] == [0, 0]
    nothing_left(*told, Result(0, caplog.text, ""))


@pytest.mark.usefixtures("mocked")
def test_no_canary_is_left_by_redrives(
    root: Path, events: list[Any], call: CommandLine, nothing_left: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dead letters are judged and moved as they are; neither the ledger nor what is said of them tells what is in them."""
    make_project(root, ECHOING, settings=TARGETS)
    monkeypatch.setattr(Project, "open_invoker", lambda *_, **__: _Echoing())
    queues = Queues()
    for event in events:
        queues.client.send_message(
            QueueUrl=queues.dead_url, MessageBody=json.dumps(event),
            MessageAttributes={"note": {"DataType": "String", "StringValue": event["notes"][0][:1_000]}},
        )  # fmt: skip
    words = ("redrive", "orders-dlq", "--function", "f", "--judge", "local", "--visibility-timeout-s", "1", "--yes")
    told = [call(*words), call(*words, "--json"), call(*words, "--execute"), call(*words, "--execute", "--json")]
    assert {each.exit_code for each in told} == {1}
    assert sorted(json.loads(body)["number"] for body in queues.bodies(queues.url)) == list(range(0, len(events), 2))
    told += [
        call("redrive", "orders-dlq", "--all", "--execute", "--yes", "--limit", "3"),
        call("runs"),
        call("runs", "--json"),
    ]
    assert len(run_paths(root)) == 3
    nothing_left(*told)


def test_no_canary_is_left_by_traces(
    root: Path, planted: list[Labelled], call: CommandLine, nothing_left: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """A traced request names a secret in its log, its error, its segments and their causes: `show` and JSON do not."""
    make_project(root, ECHOING)
    real, ours = BaseClient._make_api_call, iter(planted)
    with mock_aws():
        log = LambdaLog(boto3.client("logs"), "/aws/lambda/orders")
        for _ in range(20):
            first, second, third = next(ours).text, next(ours).text, next(ours).text
            error = f"ValueError: refused {first}".replace("\n", " ")
            put_trace(log, f"event: {json.dumps({'note': second})}\n", f"INFO {third}\n", error=error)

        def unfiltered(client: Any, operation: str, request: dict[str, Any]) -> Any:
            request.pop("FilterExpression", None)  # moto does not know it
            answer = real(client, operation, request)
            for trace in answer.get("Traces", ()) if operation == "BatchGetTraces" else ():
                for segment in trace["Segments"]:
                    segment["Document"] = segment["Document"].replace('"DynamoDB"', json.dumps(f"to {next(ours).text}"))
            return answer

        monkeypatch.setattr(BaseClient, "_make_api_call", unfiltered)
        since = datetime.fromtimestamp(BEGAN_MS / 1000 - 60, UTC).isoformat()
        told = [call("record", "xray", "--function", "orders", "--since", since, "--no-verify", "--json")]
    assert told[0].exit_code == 0, told[0].stderr
    assert len(list(root.glob("fixtures/orders/*"))) == 20
    assert len([*ours]) <= len(planted) - 80  # in lines, errors and events, and in each trace
    told += [call("show", "*"), call("show", "*", "--json"), call("run"), call("list")]
    nothing_left(*told)


def test_a_canary_would_be_seen(root: Path, planted: list[Labelled], nothing_left: Callable[..., None]) -> None:
    """What the other tests look with finds a secret in a ledger, in an event, in base64, and in what was told."""
    for put in (
        lambda secret: (root / "run.jsonl").write_text(json.dumps({"key": secret})),
        lambda secret: (root / "event.json").write_text(json.dumps({"a": json.dumps([secret])})),
        lambda secret: (root / "x.bin").write_bytes(base64.b64encode(secret.encode())),
    ):  # fmt: skip
        put(planted[3].secret)
        with pytest.raises(AssertionError):
            nothing_left()
        for path in root.iterdir():
            path.unlink()
    with pytest.raises(AssertionError):
        nothing_left(Result(0, "", planted[4].secret))
    nothing_left()
