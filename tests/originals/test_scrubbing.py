"""Nothing that a target answers brings an original back."""

import base64
import json
from urllib.parse import quote

import pytest

from replay.delivery.attempt import Reply
from replay.originals.scrubbing import Scrubber
from replay.originals.swaps import original_of
from replay.payloads.aws_calls import AwsCall, AwsError
from replay.payloads.failures import Failure, Frame
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings

NAME, MAIL, NOTE = "Zebulon Quackenbush", "zebulon@quackenbush.example", 'say "hi"\nto Zoë'
INNER = json.dumps({"customer": NAME, "mail": MAIL, "note": NOTE})
EVENT = json.dumps(
    {
        "Records": [
            {"body": INNER, "kinesis": {"data": base64.b64encode(INNER.encode()).decode()}, "customer": {"name": NAME}}
        ]
    }
)
CANARIES = ("Zebulon", "Quackenbush", MAIL, "Zoë")


@pytest.fixture(scope="module")
def scrubber() -> Scrubber:
    redactor = Redactor(RedactionSettings(redact=("customer", "note", "mail"), key=b"of the tests"))
    redacted = redactor.event(EVENT).text
    assert not any(canary in redacted for canary in CANARIES)
    return Scrubber(original_of(EVENT, redacted=redacted, fixture=redacted).pairs(), redactor)


ECHOES = [
    INNER,
    EVENT,
    json.dumps(INNER),
    json.dumps(json.dumps(INNER)),
    json.dumps(NOTE),
    f"Dear {NAME.upper()}, your mail is {MAIL.title()}",
    f"hello zebulon; mr. {NAME.split()[1].lower()}!",
    quote(MAIL, safe=""),
    base64.b64encode(INNER.encode()).decode(),
    base64.b64encode(NAME.encode()).decode(),
]


@pytest.mark.parametrize("echo", ECHOES)
def test_an_echo_holds_no_original(scrubber: Scrubber, echo: str) -> None:
    """Whole or in words, in another case, escaped once or twice, quoted, in base64: the stand-in comes back."""
    told = scrubber.text(echo)
    for canary in CANARIES:
        assert canary.casefold() not in told.casefold()
        assert json.dumps(canary)[1:-1].casefold() not in told.casefold()
        assert base64.b64encode(NAME.encode()).decode()[:16] not in told


def test_every_part_of_a_reply(scrubber: Scrubber) -> None:
    """Answer, failure, log and calls of AWS: none of them tells."""
    reply = Reply(
        status="raised",
        payload=json.dumps({"hello": NAME}),
        failure=Failure(
            error_type="ValueError",
            message=f"no such customer: {NAME}",
            stack=f"ValueError: {NAME}",
            frames=(Frame(module="app.py", function="f", code=f'find("{NAME}")'),),
            log_lines=(NAME,),
        ),
        log=f"START\nlooking for {NAME}\n{MAIL}",
        effects=(
            AwsCall(
                service="s3",
                operation="PutObject",
                parameters={"Key": NAME, "Metadata": {"mail": MAIL}},
                error=AwsError(code="NoSuchKey", message=f"no {NAME}"),
            ),
        ),
    )
    told = repr(scrubber.reply(reply))
    assert not any(canary.casefold() in told.casefold() for canary in CANARIES)
    assert "ValueError" in told
    assert "looking for" in told


def test_nothing_else_is_touched(scrubber: Scrubber) -> None:
    """What holds no original stays as it is."""
    assert scrubber.text('{"ok": true, "total": 12.50}') == '{"ok": true, "total": 12.50}'


def test_a_short_original_is_a_word(scrubber: Scrubber) -> None:
    """`Al` is replaced where it stands alone, and not inside of other words."""
    short = Scrubber([('"Al"', '"Bo"'), ('"42"', '"17"')], Redactor())
    assert short.text("Al also has 42 of 142") == "Bo also has 17 of 142"
