"""Redaction is verified by replays: the failure stays, or the smallest value that matters is found."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine, make_command_line, make_project

HANDLER = """\
import json
from pathlib import Path

def handler(event, context):
    order = json.loads(event["Records"][0]["body"])
    if "\u2019" in order["customer"]["last_name"]:
        raise ValueError("no such name: " + order["customer"]["last_name"])
    if order["customer"]["email"].endswith(".co.uk"):
        raise KeyError(order["customer"]["email"])
    if order.get("born", "9999")[:4] < "1900":
        raise OverflowError(order["born"])
    if len(order.get("password", "")) == 12 and "ß" in order["password"]:
        raise UnicodeError("cannot hash it")
    if order["customer"].get("first_name", "")[:2] == "Zu":
        raise LookupError("far down the list")
    return "ok"
"""
CUSTOMER = {"first_name": "Alice", "last_name": "Smith", "email": "alice@example.com"}


def _sqs(body: object) -> dict[str, object]:
    text = json.dumps(body, ensure_ascii=False)
    return {
        "Records": [
            {
                "messageId": hashlib.md5(text.encode()).hexdigest(),
                "receiptHandle": "AQEBxxxxxxxx",
                "body": text,
                "attributes": {"SentTimestamp": "1763683200000"},
                "messageAttributes": {},
                "md5OfBody": hashlib.md5(text.encode()).hexdigest(),
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:orders",
                "awsRegion": "eu-west-1",
            }
        ]
    }


@pytest.fixture
def replay_(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return make_command_line(capsys)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    def make(*bodies: object, handler: str = HANDLER, settings: str = "") -> Path:
        monkeypatch.chdir(make_project(tmp_path, handler, *map(_sqs, bodies)))
        if settings:
            path = tmp_path / "pyproject.toml"
            path.write_text(f"{path.read_text()}\n[tool.replay.redaction]\n{settings}\n")
        return tmp_path

    return make


def _record(replay_: CommandLine, *options: str) -> tuple[int, list[dict[str, object]]]:
    said = replay_("record", "files", "events.jsonl", "--function", "f", "--all", "--json", *options)
    return said.exit_code, [each for each in said.documents if each["type"] == "verified"]


def _fixture(folder: Path) -> tuple[dict[str, object], dict[str, object]]:
    """The order and the document of the only fixture."""
    (event,) = folder.glob("fixtures/f/*/event.json")
    record = json.loads(event.read_text())["Records"][0]
    assert record["md5OfBody"] == hashlib.md5(record["body"].encode()).hexdigest()
    return json.loads(record["body"]), json.loads((event.parent / "fixture.json").read_text())


def test_a_failure_that_stays_is_said_to_be_the_same(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """An error that names the private value fails as before redaction: it names the stand-in now."""
    folder = project({"customer": {**CUSTOMER, "last_name": "O\u2019Neil"}})
    code, (verified,) = _record(replay_)
    assert (code, verified["result"], verified["changed"]) == (0, "same", False)
    order, document = _fixture(folder)
    assert order["customer"] != CUSTOMER
    assert document["verification"] == {"result": "same"}
    assert [each["verdict"] for each in replay_("run", "--json").documents[:-1]] == ["reproduced"]


def test_the_smallest_value_that_matters_is_generalised(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """Of a secret of which one letter matters only that letter shows, all else is a stand-in; scan has no objection."""
    folder = project({"customer": CUSTOMER, "password": "Straße-Nr-17"})
    code, (verified,) = _record(replay_)
    assert (code, verified["result"]) == (0, "generalised")
    assert verified["matters"] == ["/Records/0/body#/password"]
    order, document = _fixture(folder)
    assert order["password"] == "Xxxxßx-Xx-00"
    assert "Alice" not in json.dumps(order)
    assert document["verification"] == {"result": "generalised", "matters": ["/Records/0/body#/password"]}
    assert {"at": "/Records/0/body#/password", "detector": "generalised", "count": 1} in document["redactions"]
    assert [each["verdict"] for each in replay_("run", "--json").documents[:-1]] == ["reproduced"]
    assert replay_("scan").exit_code == 0
    assert "0 redacted, 1 as they should be" in replay_("redact", "*").stdout.replace("as it should", "as they should")


def test_what_is_recorded_again_is_verified_again(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """With --again the event is redacted in full first, as at first, and still fails as it did in the end."""
    folder = project({"customer": CUSTOMER, "password": "Straße-Nr-17"})
    _record(replay_)
    before, _ = _fixture(folder)
    assert _record(replay_)[1] == []
    assert [each["result"] for each in _record(replay_, "--again")[1]] == ["generalised"]
    after, document = _fixture(folder)
    assert after == before
    assert document["verification"] == {"result": "generalised", "matters": ["/Records/0/body#/password"]}
    assert [each["verdict"] for each in replay_("run", "--json").documents[:-1]] == ["reproduced"]


def test_what_cannot_be_coarse_is_reported_and_never_kept(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """The place is told, with the rule that would keep it; neither file nor output shows the value."""
    folder = project({"customer": {**CUSTOMER, "email": "bob@shop.co.uk"}})
    said = replay_("record", "files", "events.jsonl", "--function", "f")
    assert said.exit_code == 0
    assert 'keep = ["/Records/0/body#/customer/email"]' in said.stderr
    order, document = _fixture(folder)
    assert order["customer"]["email"].endswith(".invalid")
    assert document["verification"]["result"] == "differs"
    assert document["verification"]["matters"] == ["/Records/0/body#/customer/email"]
    on_disk = "".join(path.read_text() for path in (folder / "fixtures").rglob("*") if path.is_file())
    assert "shop.co.uk" not in on_disk + said.stdout + said.stderr
    assert "Alice" not in on_disk


def test_consent_keeps_the_value_that_matters_and_no_other(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """With `--keep-raw` the one value stays as it was, since the failure depends on it; others do not, consent or not."""
    folder = project({"customer": {**CUSTOMER, "email": "bob@shop.co.uk"}})
    code, (verified,) = _record(replay_, "--keep-raw", "*/customer/*")
    assert (code, verified["result"]) == (0, "kept")
    order, _ = _fixture(folder)
    assert order["customer"]["email"] == "bob@shop.co.uk"
    assert order["customer"]["first_name"] != "Alice"
    assert [each["verdict"] for each in replay_("run", "--json").documents[:-1]] == ["reproduced"]


@pytest.mark.parametrize("rule", ['redact = ["born"]', 'hash = ["born"]'])
def test_a_rule_of_the_user_is_not_undone(replay_: CommandLine, project: Callable[..., Path], rule: str) -> None:
    """A date that a rule replaces is not made a month behind the rule's back: who wrote it decides."""
    folder = project({"customer": CUSTOMER, "born": "1899-12-31"}, settings=rule)
    _, (verified,) = _record(replay_)
    assert (verified["result"], verified["matters"]) == ("differs", ["/Records/0/body#/born"])
    assert "1899-" not in json.dumps(_fixture(folder)[0])


def test_nothing_runs_where_it_is_not_wanted_or_known(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """With `--no-verify`, and for a function that nobody knows, the handler is not imported."""
    folder = project(
        {"customer": CUSTOMER}, handler="from pathlib import Path\nPath('it-ran').touch()\n\ndef handler(e, c): 1 / 0\n"
    )
    assert _record(replay_, "--no-verify") == (0, [])
    said = replay_("record", "files", "events.jsonl", "--function", "unknown", "--json")
    assert [each["type"] for each in said.documents] == ["recorded", "summary"]
    assert not (folder / "it-ran").exists()
    assert "verification" not in _fixture(folder)[1]


@pytest.mark.parametrize(
    ("handler", "why"),
    [
        ("import no_such_module\ndef handler(e, c): pass\n", "no_such_module"),
        ("def handler(e, c): return 1\n", "it does not fail here"),
    ],
)
def test_why_it_was_not_possible_is_told(
    replay_: CommandLine, project: Callable[..., Path], handler: str, why: str
) -> None:
    """A handler that cannot be imported, and one that does not fail here, say so in the fixture; recording goes well."""
    folder = project({"customer": CUSTOMER}, handler=handler)
    code, (verified,) = _record(replay_)
    assert (code, verified["result"]) == (0, "not_possible")
    assert why in str(verified["why"])
    assert why in _fixture(folder)[1]["verification"]["why"]


def test_redacting_again_is_verified_too(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """A new rule that takes the failure away is told by `replay redact`, which keeps to the rule."""
    folder = project({"customer": CUSTOMER, "born": "1899-12-31"})
    assert replay_("record", "files", "events.jsonl", "--function", "f", "--no-verify").exit_code == 0
    path = folder / "pyproject.toml"
    path.write_text(f'{path.read_text()}\n[tool.replay.redaction]\nredact = ["born"]\n')
    documents = replay_("redact", "*", "--json").documents
    (verified,) = (each for each in documents if each["type"] == "verified")
    assert (verified["result"], verified["matters"]) == ("differs", ["/Records/0/body#/born"])
    assert documents[-1]["type"] == "summary"
    assert "1899-" not in json.dumps(_fixture(folder)[0])
    assert replay_("redact", "*", "--json").documents[-1]["changed"] == 0


def test_only_the_fixtures_that_fail_as_before_are_minimised(
    replay_: CommandLine, project: Callable[..., Path]
) -> None:
    """`--minimize` brings new fixtures to their smallest form, but not to that of a failure that redaction made."""
    folder = project(
        {"customer": {**CUSTOMER, "last_name": "O\u2019Neil"}, "lines": [1, 2, 3]},
        {"customer": {**CUSTOMER, "email": "bob@shop.co.uk"}, "lines": [1, 2, 3]},
    )
    said = replay_("record", "files", "events.jsonl", "--function", "f", "--all", "--minimize")
    assert said.exit_code == 0
    bodies = [
        json.loads(json.loads(path.read_text())["Records"][0]["body"])
        for path in folder.glob("fixtures/f/*/event.json")
    ]
    assert sorted("lines" in body for body in bodies) == [False, True]


def test_a_handler_that_ends_its_process_ends_no_recording(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """Only the process of the handler dies: each fixture is kept, and says that nobody knows."""
    folder = project(
        {"customer": CUSTOMER},
        {"customer": CUSTOMER, "born": "1899-12-31"},
        handler="import os\n\ndef handler(e, c): os.kill(os.getpid(), 9)\n",
    )
    code, verified = _record(replay_)
    assert (code, [each["result"] for each in verified]) == (0, ["not_possible"] * 2)
    assert "ended the process" in str(verified[0]["why"])
    assert len(list(folder.glob("fixtures/f/*/event.json"))) == 2


def test_what_a_handler_prints_is_not_heard(replay_: CommandLine, project: Callable[..., Path]) -> None:
    """A handler that prints the event before redaction, past Python's own streams too, tells nobody."""
    handler = (
        "import os, sys\n\ndef handler(e, c):\n    print(e)\n    os.write(1, repr(e).encode())\n    os.write(2, repr(e).encode())\n"
        "    print(e, file=sys.__stderr__)\n    raise ValueError('no')\n"
    )
    folder = project({"customer": {**CUSTOMER, "email": "bob@shop.co.uk"}}, handler=handler)
    said = replay_("record", "files", "events.jsonl", "--function", "f")
    assert "1 fails as before redaction" in said.stderr
    assert "shop.co.uk" not in said.stdout + said.stderr
    assert [path for path in folder.rglob("*.json") if "shop.co.uk" in path.read_text()] == []
