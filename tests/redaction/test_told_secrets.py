"""Secrets that a sentence tells, or a program is told without their name."""

import pytest

from replay.redaction.detectors import spans
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings

REDACTOR = Redactor(RedactionSettings(key=b"k"))


@pytest.mark.parametrize(
    "text",
    [
        "Your temporary password is «Xk9#mQ2p».",
        'the password was now "«correct7horse»", said the log',
        "Password for user greta is «Tr0ub4dor&3»",
        "api key of billing changed to: «Zt7!pq0Rw»",
        "machine api.shop.test login greta password «Tr0ub4dor3»",
        "Your verification code is «493021»",
        "OTP «839201», valid for 5 minutes",
        "new PIN: «4931»",
        "$ mysql -h db.internal -u root -p«S3cr3tPa55» orders",
        "$ mysqldump --user=root -p'«two words»' orders",
        '$ sshpass -p "«plainword»" ssh host',
        "$ mongosh -u admin -p «plainword» host",
        "$ redis-cli -h cache -a «plainword» ping",
    ],
)
def test_what_a_sentence_or_a_command_tells(text: str) -> None:
    """A password behind "is", a one-time code, and the password of a program are replaced, and nothing around them."""
    before, private, after = text.replace("»", "«").split("«")
    made = REDACTOR.plain(before + private + after)
    assert made.startswith(before)
    assert made.endswith(after)
    assert private not in made
    assert REDACTOR.plain(made) == made


@pytest.mark.parametrize(
    "text",
    [
        "password is required",
        "the password was incorrect for greta",
        "password is SHA-256 hashed and base64-encoded",
        "password for greta is older than 90 days",
        "token is 'invalid_grant'",
        "the access token is at https://issuer.test/v2/token",
        "password policy: password ErrorMessage",
        "pin 12 of the board, OTP service v2",
        "verification code is 404",
        "verification code 12345.67 of 8",
        "mkdir -p /tmp/out && docker run -p 8080:80 mysql",
        "mysql -P 3306 -h db -p",
    ],
)
def test_what_only_speaks_of_secrets(text: str) -> None:
    """A sentence about a password that tells none stays as it is."""
    assert spans(text) == []


def test_people_in_the_maps_of_a_table() -> None:
    """A name and a town are known in DynamoDB's typed maps, as they are where the same item has no types."""
    event = (
        '{"NewImage": {"customer": {"M": {"name": {"M": {"first": {"S": "Greta"}}}, '
        '"address": {"M": {"city": {"S": "Falun"}}}, "size": {"S": "M"}}}}}'
    )
    made = REDACTOR.event(event)
    assert "Greta" not in made.text
    assert "Falun" not in made.text
    assert '"size": {"S": "M"}' in made.text
    assert {each.detector for each in made.redactions} == {"person-name", "postal-address"}
