"""What an event's keys say is private, in texts that tell of the event without them."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.payloads.failures import Failure, Frame, Segment, Signature
from replay.redaction.redactor import Redactor
from replay.redaction.retelling import retold
from replay.redaction.settings import RedactionSettings
from tests.cli.command_line import CommandLine, make_command_line, make_project
from tests.cli.command_line import message as dead_letter

EVENT = {
    "customer": {"first_name": "Greta-Eulalia", "fullName": "Ada Großmann", "phone": "0151 2345678"},
    "password": "Tr0ub4dor-zz",
    "plan": "enterprise-eu",
    "account": 4711004711,
    "born": "1985-04-12",
}
PRIVATE = ("Eulalia", "Großmann", "2345678", "Tr0ub4dor", "enterprise", "4711004711", "04-12")
TOLD = "no Greta-Eulalia, Frau Großmann (0151 2345678), Tr0ub4dor-zz for enterprise-eu of 4711004711, 1985-04-12"


def _redactor(**settings: Any) -> Redactor:
    return Redactor(RedactionSettings.read(settings, key=b"the key of the tests"))


def test_a_failure_is_retold_as_its_event_was_redacted() -> None:
    """Names, passwords and what rules name are gone from message, stack, log lines and trace, and are the same there."""
    redactor = _redactor(redact=["plan", "account"], generalise=["born"])
    redacted = redactor.event(json.dumps(EVENT))
    failure = redactor.failure(
        Failure(
            error_type="ValueError", message=TOLD, stack=f"Traceback\n  ValueError: {TOLD}", log_lines=(f"[ERROR] {TOLD}",),
            signature=Signature(error_type="ValueError", message=TOLD, frames=("app.py:handler:pay(order)",)),
            frames=(Frame(module="app.py", function="handler", code="pay(order)"),), trace=(Segment(name="pay", cause=TOLD),),
        ), redacted.replaced,
    )  # fmt: skip
    assert [each for each in PRIVATE if each in repr(failure)] == []
    made = json.loads(redacted.text)
    assert f"{made['password']} for {made['plan']} of {made['account']}, {made['born']}" in failure.message
    assert failure.frames[0].code == "pay(order)"
    assert not any(each in repr(redacted) for each in PRIVATE)


@pytest.mark.parametrize("value", ["main", "required", "ERROR", "Al", "12345"])
def test_words_and_short_numbers_stay(value: str) -> None:
    """What a text may say for another reason is not taken for the value of a key."""
    redactor = _redactor()
    redacted = redactor.event(json.dumps({"password": value, "lastName": value.lower()}))
    told = f"{value}: order 12345 is required in main, ERROR, Al"
    assert redactor.told(told, redacted.replaced) == told


def test_a_value_counts_as_a_word() -> None:
    """A name within another word is another word; where no spaces part words it is found as well."""
    known = {"Anna": "Xkkz", "王小明": "㐆㐌㐉"}
    assert retold("Anna of Annapolis, 王小明さん", known) == "Xkkz of Annapolis, 㐆㐌㐉さん"


@given(st.dictionaries(st.text(min_size=4), st.text(), max_size=4), st.text())
def test_any_text_is_retold(known: dict[str, str], text: str) -> None:
    """Whatever values hold, pattern signs and backslashes too."""
    private = max(known, key=len, default="")
    assert retold(f"<{private}>", known) == f"<{known.get(private, '')}>"
    assert retold(text, {}) == text


def test_recording_and_redacting_again_retell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither the failure of a dead letter, nor its fixture's name, tells a name; a later rule counts for both, too."""
    monkeypatch.setenv("REPLAY_REDACTION_KEY", "of the tests")
    monkeypatch.chdir(make_project(tmp_path, "def handler(event, context):\n    raise KeyError('plan')\n"))
    replay_: CommandLine = make_command_line(capsys)
    error = {"DataType": "String", "StringValue": TOLD}
    code = {"DataType": "Number", "StringValue": "200"}
    request = {"DataType": "String", "StringValue": "7d3c6b1e-52d1-4a4c-9a39-8f1f0a2d7a11"}
    letter = dead_letter(1, json.dumps(EVENT), {"ErrorMessage": error, "ErrorCode": code, "RequestID": request})
    del letter["Attributes"]["DeadLetterQueueSourceArn"]  # a dead letter of Lambda: its event is the body
    Path("letters.json").write_text(json.dumps({"Messages": [letter]}))
    assert replay_("record", "files", "letters.json", "--function", "f", "--no-verify").exit_code == 0
    (folder,) = Path("fixtures/f").iterdir()
    written = "".join(path.read_text() for path in folder.iterdir())
    by_key = PRIVATE[:4]
    assert [each for each in by_key if each in written or each.lower() in folder.name] == []
    assert "enterprise" in written
    settings = Path("pyproject.toml")
    settings.write_text(f'{settings.read_text()}\n[tool.replay.redaction]\nredact = ["plan"]\n')
    assert replay_("redact", "*", "--no-verify").exit_code == 0
    assert "enterprise" not in "".join(path.read_text() for path in folder.iterdir())
    assert replay_("redact", "*", "--no-verify", "--json").documents[-1]["changed"] == 0
