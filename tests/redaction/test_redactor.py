"""The station: every position of an event and of a failure, exact everywhere else."""

import base64
import gzip
import json
import os
import re
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import ConfigurationError, InvalidJson, RedactionError
from replay.payloads.envelopes.sqs_message import fake_receipt_handle
from replay.payloads.failures import Failure, Frame, Segment, Signature
from replay.redaction import encodings
from replay.redaction.pseudonyms import is_made_receipt_handle
from replay.redaction.redacted import Replacement
from replay.redaction.redactor import Redactor
from replay.redaction.settings import KEY_VARIABLE, RedactionSettings, project_key
from tests.redaction.samples import AWS_KEY_ID, BEARER, CARD, EMAIL, FAMILIES, JWT, SPACED_CARD, forms, jwt_of

KEY = b"the key of the tests"


def redactor(**settings: Any) -> Redactor:
    return Redactor(RedactionSettings(key=KEY, **settings))


def redacted(event: Any, **settings: Any) -> Any:
    return json.loads(redactor(**settings).event(json.dumps(event)).text)


def in_base64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


@pytest.mark.parametrize("secret", FAMILIES.values(), ids=FAMILIES)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda secret: {"body": f"hello {secret}, bye"},
        lambda secret: {"body": json.dumps({"a": [secret]})},
        lambda secret: {"body": json.dumps({"Message": json.dumps({"detail": json.dumps([secret])})})},
        lambda secret: {"body": json.dumps(json.dumps({"a": secret}))},
        lambda secret: {"body": "not JSON: {" + secret},
        lambda secret: {"body": f'INFO {{"a": "{secret}"}}\nnext'},
        lambda secret: {secret: {secret: 1}},
        lambda secret: {"Records": [{"messageAttributes": {secret: {"stringValue": secret, "dataType": "String"}}}]},
        lambda secret: {"data": in_base64(secret)},
        lambda secret: {"data": in_base64(json.dumps({"a": in_base64(json.dumps({"b": secret}))}))},
        lambda secret: {"body": f"data:text/plain;base64,{in_base64(secret)} and more"},
        lambda secret: {"data": [secret, [secret, {"a": secret}]]},
    ],
)
def test_no_position_is_forgotten(wrap: Any, secret: str) -> None:
    """A secret in a body, in JSON in JSON, base64, keys, attributes or lists is nowhere in the output, nor in the report."""
    result = redactor().event(json.dumps(wrap(secret)))
    readable = _all_readable(result.text)
    assert not [form for form in forms(secret) if form in readable]
    assert result.redactions
    report = "".join(replacement.at for replacement in result.redactions)
    assert secret not in report


def _all_readable(text: str) -> str:
    """Unfold what is folded: each layer of base64 is written out beside the text."""
    layers = [text]
    for run in re.findall(r"[A-Za-z0-9+/]{12,}={0,2}", text):
        try:
            layers.append(_all_readable(base64.b64decode(run, validate=True).decode()))
        except ValueError:
            continue
    return "\n".join(layers)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_compressed_base64_is_opened_and_closed_again(pack: Any) -> None:
    """Compressed content is redacted and compressed again; the rest of it stays as it was."""
    content = json.dumps({"email": EMAIL, "order": 17})
    made = redacted({"data": in_base64(pack(content.encode()))})["data"]
    inside = zlib.decompressobj(wbits=47).decompress(base64.b64decode(made)).decode()
    assert EMAIL not in inside
    assert json.loads(inside)["order"] == 17


@pytest.mark.parametrize("address", ["用户@例え.jp", "a@b.co", "jürgen@bücher.de"])
def test_short_and_foreign_addresses_in_base64(address: str) -> None:
    """An address in base64 is found, be it short or in another script, padded or not."""
    for value in (in_base64(address), in_base64(address).rstrip("="), f"x {in_base64(address)} y"):
        made = redacted([value])[0]
        assert made != value
        assert redacted([made]) == [made]


def test_several_gzip_members_are_all_seen() -> None:
    """What stands in a second member is seen as well."""
    made = redacted({"data": in_base64(gzip.compress(b"harmless ") + gzip.compress(EMAIL.encode()))})["data"]
    assert EMAIL.encode() not in gzip.decompress(base64.b64decode(made))


def test_bytes_that_are_no_text_keep_their_length() -> None:
    """A binary attribute such as a protobuf record is redacted where it holds letters, and nowhere else."""
    before = b"\x0a\xff\x00\x26" + EMAIL.encode() + b"\x12\x80\x01"
    event = {"messageAttributes": {"raw": {"binaryValue": in_base64(before), "dataType": "Binary"}}}
    after = base64.b64decode(redacted(event)["messageAttributes"]["raw"]["binaryValue"])
    assert EMAIL.encode() not in after
    assert (after[:4], after[-3:], len(after)) == (before[:4], before[-3:], len(before))


@pytest.mark.parametrize("close", [
    base64.encodebytes,
    lambda content: base64.encodebytes(content).replace(b"\n", b"\r\n"),
    base64.urlsafe_b64encode,
    lambda content: base64.urlsafe_b64encode(content).rstrip(b"="),
])  # fmt: skip
def test_base64_is_closed_as_it_was(close: Any) -> None:
    """Lines, alphabet and padding of base64 stay."""
    content = f"{'~?>' * 20} {EMAIL} {'~?>' * 20}.".encode()
    before = close(content).decode()
    after = redacted({"data": before})["data"]
    assert after != before
    assert len(after) == len(before)
    assert [(at, char) for at, char in enumerate(before) if char in "\r\n=-_"][-1] == [
        (at, char) for at, char in enumerate(after) if char in "\r\n=-_"
    ][-1]
    assert after.count("\n") == before.count("\n")


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that inflates beyond bounds, alone or with others, cannot be made safe."""
    monkeypatch.setattr(encodings, "_MOST_INFLATED_BYTES", 15_000)
    bomb = in_base64(gzip.compress(b"\0" * 10_000))
    redactor().event(json.dumps([bomb]))
    with pytest.raises(RedactionError, match="too large"):
        redactor().event(json.dumps([bomb, bomb]))


@pytest.mark.parametrize("number", [
    CARD, f"-{CARD}", f"{CARD}.0", "4.539578763621486E15", "4.539578763621486e+15",
])  # fmt: skip
def test_card_numbers_as_json_numbers(number: str) -> None:
    """A JSON number that is a card number becomes another one, however it is written."""
    result = redactor().event(f'{{"n": {number} , "m": 17}}')
    assert result.redactions == (Replacement(at="/n", detector="card-number"),)
    assert "39578763621486" not in result.text
    made = json.loads(result.text)
    assert made["m"] == 17
    assert str(abs(int(made["n"]))).startswith("424242")
    assert redactor().event(result.text).text == result.text


def test_an_sqs_record() -> None:
    """Every part of a record that may hold something private is redacted, the rest is the same to the byte."""
    record = {
        "messageId": "5b1e9c0a-6d1f-4c57-9a2e-0f6f6f0f2f11",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": f"to {EMAIL}",
        "attributes": {"SenderId": "AIDAIENQZJOLO23YVJ4VO", "SentTimestamp": "1795262400000", "MessageGroupId": EMAIL},
        "messageAttributes": {
            "Authorization": {"stringValue": f"Bearer {BEARER}", "dataType": "String"},
            "X-Api-Key": {"stringValue": "0123456789abcdef", "dataType": "String"},
            "Cookie": {"stringValue": "session=0123456789; theme=dark", "dataType": "String"},
            "card": {"stringValue": CARD, "dataType": "Number"},
        },
        "md5OfBody": "d41d8cd98f00b204e9800998ecf8427e",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:orders",
    }
    made = redacted({"Records": [record]})["Records"][0]
    for unchanged in ("messageId", "md5OfBody", "eventSourceARN"):
        assert made[unchanged] == record[unchanged]
    assert made["attributes"] == {**record["attributes"], "MessageGroupId": made["attributes"]["MessageGroupId"]}  # type: ignore[dict-item]  # a dict it is
    assert made["receiptHandle"].startswith("REDACTED")
    assert made["attributes"]["MessageGroupId"].endswith(".invalid")
    values = {name: value["stringValue"] for name, value in made["messageAttributes"].items()}
    assert values["Authorization"].startswith("Bearer REDACTED")
    assert values["X-Api-Key"].startswith("REDACTED")
    assert re.fullmatch(r"session=REDACTED\d\d; theme=xxxx", values["Cookie"])
    assert values["card"].startswith("424242")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Authorization", "Basic YWxpY2U6aHVudGVyMg==", r"Basic REDACTED.{12}"),
        ("authorization", "Bearer short", r"Bearer xxxxx"),
        ("Authorization", "hunter2 is it", r"REDACTED.{5}"),
        ("Authorization", "Token abc alice@example.com", r"Token REDACTED.*"),
        ("password", "{not json", r"REDACTED."),
        ("password", "alice@example.com", r".*\.invalid"),
        ("Set-Cookie", "id=a3fWa9012345; Path=/; HttpOnly", r"id=REDACTED\w{4}; Path=/; HttpOnly"),
        ("cookie", "justonevalue", r"REDACTED\w{4}"),
        ("SecretString", '{"user": "orders", "port": 5432}', r'\{"user": "xxxxxx", "port": 1000\}'),
        ("token", "", r""),
        ("NextToken", "abcdefghijklm", r"abcdefghijklm"),
    ],
)
def test_values_by_their_key(name: str, value: str, expected: str) -> None:
    """A key that says that its value is secret is believed; scheme, cookie names and the keys of JSON stay."""
    made = redacted({name: value})[name]
    assert re.fullmatch(expected, made), made
    assert redacted({name: made})[name] == made


def test_the_key_above_a_list_or_a_typed_value_counts() -> None:
    """Elements of a list, multi-value headers and DynamoDB values have the key above them."""
    event = {
        "multiValueHeaders": {"X-Api-Key": ["abcdefghijkl"]},
        "NewImage": {"password": {"S": "hunter2hunter2"}},
        "pin": 4711,
    }
    made = redacted(event)
    assert made["multiValueHeaders"]["X-Api-Key"][0].startswith("REDACTED")
    assert made["NewImage"]["password"]["S"].startswith("REDACTED")
    assert made["pin"] == 1000


def test_a_jwt_stays_one() -> None:
    """A handler can still decode the token, and finds its times and kind, but nobody's name or number."""
    token = jwt_of(
        {
            "sub": "user-4711-abcdef",
            "exp": 1795262400,
            "phone": 4915123456789,
            "https://x/roles": ["administrator"],
            EMAIL: True,
        }
    )
    made = redacted({"t": token})["t"]
    header, claims, signature = made.split(".")
    decoded = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"alg": "HS256", "typ": "JWT"}
    assert decoded["exp"] == 1795262400
    assert decoded["sub"].startswith("REDACTED")
    assert decoded["phone"] == 1000000000000
    assert EMAIL not in decoded
    assert decoded["https://x/roles"][0].startswith("REDACTED")
    assert signature.startswith("REDACTED")
    assert redacted({"t": made})["t"] == made


@pytest.mark.parametrize("odd", ["eyJhbGciOiJI.eyJjdXQ", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ", "eyJhbGciOiJIUzI1NiJ9..aaaa.bbbb.cccc",
                                 "eyJub3QganNvbg.bm90IGpzb24.c2lnbmF0dXJl"])  # fmt: skip
def test_odd_jwts_are_redacted_for_good(odd: str) -> None:
    """A token that is cut off, encrypted or not JSON is replaced, and replaced once."""
    made = redactor().plain(f"token was {odd} then")
    assert odd not in made
    assert redactor().plain(made) == made


@pytest.mark.parametrize(
    "around",
    [
        r'{"a": "\u00e9 \/ \ud83d\ude00 \ud800 SECRET \n\t\" \u0000 é😀"}',
        '{"a": 1, "a": "SECRET", "a": 1.10, "b": NaN, "c": -Infinity, "d": 123456789012345678901234567890}',
        '  {"a" :\t[1E400 ,-0.0, "SECRET"]\n}  ',
        '["SECRET", "\\u0053ECRET", "SECRET"]',
    ],
)
def test_all_else_stays_to_the_byte(around: str) -> None:
    """Escapes, lone surrogates, duplicate keys, NaN, huge numbers and spaces are as they were."""
    result = redactor().event(around.replace("SECRET", EMAIL))
    pattern = re.escape(around).replace("SECRET", r"[^\s\"]+\.invalid")
    assert re.fullmatch(pattern, result.text)
    assert redactor().event(result.text).text == result.text


def test_a_secret_written_in_escapes() -> None:
    """A secret is found however its string is escaped, and its token stays ASCII where it was."""
    escaped = "".join(f"\\u{ord(char):04x}" for char in EMAIL)
    result = redactor().event(f'["é", "{escaped}", "j\\u00fcrgen@example.com"]')
    assert json.loads(result.text)[1].endswith(".invalid")
    assert json.loads(result.text)[1] == redacted([EMAIL])[0]
    assert result.text[4:].isascii()


def test_urls_stay_urls() -> None:
    """What was escaped in a URL stays escaped."""
    made = redactor().plain("https://x.example/?to=%3Ca%2Bb%40example.com%3E&card=4539%205787%206362%201486&q=1")
    assert re.fullmatch(
        r"https://x\.example/\?to=%3C\w%2B\w%40[a-z]{3}\.invalid%3E&card=4242%2042\d\d%20\d{4}%20\d{4}&q=1", made
    )


def test_the_report_says_where() -> None:
    """Each replacement has a JSON Pointer, `#` for each string stepped into, and a count."""
    event = {"Records": [{"body": json.dumps({"to": f"{EMAIL} {EMAIL}", "a/b~c": CARD})}]}
    assert redactor().event(json.dumps(event)).redactions == (
        Replacement(at="/Records/0/body#/to", detector="email", count=2),
        Replacement(at="/Records/0/body#/a~1b~0c", detector="card-number"),
    )


def test_a_string_that_is_not_json_after_all() -> None:
    """What was found in the JSON beginning of a text is not counted twice when the text turns out to be none."""
    event = {"a": CARD, "b": f'{{"to": "{EMAIL}"}} and more'}
    assert [(each.at, each.count) for each in redactor().event(json.dumps(event)).redactions] == [
        ("/a", 1),
        ("/b#/to", 1),
    ]


def test_the_same_value_is_the_same_everywhere() -> None:
    """One key gives one pseudonym in body, JSON in JSON, base64, and in every recording; no key, in one redactor."""
    event = {"a": EMAIL, "b": json.dumps({"c": EMAIL}), "d": in_base64(EMAIL)}
    made = redacted(event)
    assert json.loads(made["b"])["c"] == made["a"] == base64.b64decode(made["d"]).decode() == redacted([EMAIL])[0]
    unkeyed = Redactor()
    assert unkeyed.plain(EMAIL) == unkeyed.plain(EMAIL) != Redactor().plain(EMAIL)


def test_kept_and_named_values() -> None:
    """`redact` names more, `keep` less and wins; by key or pointer, and each means what is beneath as well."""
    event = {
        "customer_name": "Alice", "customers": [{"first": "Alice", "age": 44}], "codes": ["one-code", "two-code"],
        "email": EMAIL, "body": json.dumps({"note": "something", "email": EMAIL, "plan": "basic"}), "deep": {"a": ["x-y-z"]},
    }  # fmt: skip
    made = redacted(event, redact=("customer*", "codes", "/body#/note", "/deep"), keep=("/email", "first"))
    assert made["customer_name"] == "xxxxx"
    assert made["customers"] == [{"first": "Alice", "age": 10}]
    assert made["codes"] == ["xxxxxxxx", "xxxxxxxx"]
    assert made["email"] == EMAIL
    body = json.loads(made["body"])
    assert (body["note"][:8], body["plan"]) == ("REDACTED", "basic")
    assert body["email"].endswith(".invalid")
    assert made["deep"] == {"a": ["xxxxx"]}
    assert redacted(event, redact=("body",))["body"] != event["body"]
    assert "basic" not in redacted(event, redact=("body",))["body"]


def test_switched_off() -> None:
    """Nothing is changed, nor read, when redaction is off."""
    off = redactor(enabled=False)
    assert off.event(f'["{EMAIL}"]').text == f'["{EMAIL}"]'
    assert off.plain(EMAIL) == EMAIL


def test_not_json() -> None:
    """An event that is no JSON is refused, without a word of it in the message."""
    with pytest.raises(InvalidJson) as error:
        redactor().event(f'{{"a": "{EMAIL}"')
    assert EMAIL not in str(error.value)


def test_a_failure_is_redacted_everywhere() -> None:
    """Type, message, signature, stack, source lines and log lines of a failure hold nothing private."""
    failure = Failure(
        error_type=f"Error {EMAIL}",
        message=f"no customer {EMAIL}",
        signature=Signature(error_type="E", message=f"no customer {EMAIL}", frames=(f"app:handler:find('{EMAIL}')",)),
        frames=(Frame(module="app.py", function="handler", code=f"find('{EMAIL}')"),),
        stack=f'  File "app.py"\n    find("{EMAIL}")\n',
        log_lines=(f"\x1b[31m{EMAIL}\x1b[0m", f'{{"card": {CARD}, "key": "{AWS_KEY_ID}"}}', f"card={SPACED_CARD}"),
        trace=(Segment(name=f"mail {EMAIL}", cause=f"NoSuchUser: {EMAIL}"),),
    )
    made = redactor().failure(failure)
    for secret in (EMAIL, CARD, AWS_KEY_ID, SPACED_CARD):
        assert secret not in repr(made)
    assert made.log_lines[0].startswith("\x1b[31m")
    assert made.log_lines[0].endswith(".invalid\x1b[0m")
    assert made.frames[0].module == "app.py"


@pytest.mark.parametrize("length", range(470, 501, 5))
def test_what_is_cut_was_redacted_before(length: int) -> None:
    """Causes of a trace are cut, and a secret that lies across the cut leaves no half of itself behind."""
    address = "postgres://admin:S3cretPassw0rd@db.internal/orders"
    cause = f"{'x' * (length - 1)} {address}"
    (segment,) = (
        redactor().failure(Failure(error_type="E", message="", trace=(Segment(name=cause, cause=cause),))).trace
    )
    for text in (segment.name, segment.cause):
        assert len(text) == 500
        assert "S3cret" not in text


def test_too_many_encodings() -> None:
    """What is hidden deeper than is looked is replaced whole."""
    value = EMAIL
    for _ in range(12):
        value = in_base64(value)
    made = redacted([value])[0]
    for _ in range(8):
        made = base64.b64decode(made).decode()
    assert made.startswith("REDACTED")
    assert redacted([value]) == redacted(redacted([value]))


@pytest.mark.parametrize(
    ("settings", "where", "expected"),
    [
        ({"redcat": []}, "redcat", "did you mean 'redact'?"),
        ({"key": "x"}, "key", "one of drop, enabled, generalise"),
        ({"enabled": "yes"}, "enabled", "true or false"),
        ({"redact": "name"}, "redact", "a list of strings"),
        ({"keep": [1]}, "keep", "a list of strings"),
        ({"presets": ["gpdr"]}, "presets", "did you mean 'gdpr'?"),
        ({"national_ids": ["us_ssn"]}, "national_ids", "did you mean 'us-ssn'?"),
        ({"phone_regions": ["Germany"]}, "phone_regions", "two letters"),
        ({"drop": ["$.a["]}, "drop", "RFC 9535"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], where: str, expected: str) -> None:
    """A setting that does not exist or has another type is said to be so, with its place."""
    with pytest.raises(ConfigurationError) as error:
        RedactionSettings.read(settings)
    assert f"[tool.replay.redaction] {where}" in str(error.value)
    assert expected in str(error.value)


def test_settings_are_read() -> None:
    """What is right is taken over."""
    read = RedactionSettings.read({"enabled": False, "redact": ["a"], "keep": ["/b"]}, key=b"k")
    assert read == RedactionSettings(enabled=False, redact=("a",), keep=("/b",), key=b"k")
    assert RedactionSettings.read({}) == RedactionSettings()


def test_the_project_key_is_made_once(tmp_path: Path) -> None:
    """The key is made once, readable by its owner alone, and out of git; a .gitignore that is there stays."""
    made = project_key(tmp_path)
    assert made is not None
    assert len(made) == 64
    assert project_key(tmp_path) == made
    assert (tmp_path / ".replay" / "redaction.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / ".replay" / ".gitignore").read_text() == "*\n"
    (tmp_path / ".replay" / "redaction.key").unlink()
    (tmp_path / ".replay" / ".gitignore").write_text("mine\n")
    assert project_key(tmp_path) != made
    assert (tmp_path / ".replay" / ".gitignore").read_text() == "mine\n"


def test_the_project_key_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of the environment is taken, and nothing is written."""
    monkeypatch.setenv(KEY_VARIABLE, "from CI \udcff")
    assert project_key(tmp_path) == os.fsencode("from CI \udcff")
    assert not (tmp_path / ".replay").exists()


def test_no_place_for_the_project_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no key can be kept or read, there is none, and no error."""
    assert project_key(tmp_path / "missing") is None
    (tmp_path / ".replay").write_text("a file")
    assert project_key(tmp_path) is None
    other = tmp_path / "other"
    (other / ".replay" / "redaction.key").mkdir(parents=True)
    assert project_key(other) is None
    monkeypatch.setattr(os, "open", _refused)
    (tmp_path / "read-only").mkdir()
    assert project_key(tmp_path / "read-only") is None


def test_an_empty_project_key_is_refused(tmp_path: Path) -> None:
    """A key that was cut off is no key: what to do is said, and nothing is redacted with it."""
    (tmp_path / ".replay").mkdir()
    (tmp_path / ".replay" / "redaction.key").write_text("\n")
    with pytest.raises(ConfigurationError, match="is empty") as error:
        project_key(tmp_path)
    assert f"rm {tmp_path}" in error.value.hint


def test_two_recordings_that_make_the_key_at_once_have_one_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes second, at whatever moment, finds the whole key of the first, and leaves nothing behind."""
    link, seen = Path.hardlink_to, []

    def late(path: Path, target: Path) -> None:
        monkeypatch.setattr(Path, "hardlink_to", link)
        seen.append(project_key(tmp_path))  # another recording, from beginning to end, before ours is in its place
        link(path, target)

    monkeypatch.setattr(Path, "hardlink_to", late)
    assert project_key(tmp_path) == seen[0]
    assert len(seen[0] or b"") == 64
    assert {path.name for path in (tmp_path / ".replay").iterdir()} == {".gitignore", "redaction.key"}


def _refused(*_: object, **__: object) -> int:
    raise PermissionError


def test_no_key_is_made_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project's key is made with the first pseudonym, and asked for once."""
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    asked: list[Path] = []

    def key() -> bytes | None:
        asked.append(tmp_path)
        return project_key(tmp_path)

    lazy = Redactor(RedactionSettings.read({}, key=key))
    assert lazy.event('{"order": 17}').redactions == ()
    assert not (tmp_path / ".replay").exists()
    made = lazy.plain(EMAIL)
    assert lazy.plain(f"{EMAIL} {CARD}").startswith(made)
    assert asked == [tmp_path]
    assert Redactor(RedactionSettings(key=project_key(tmp_path))).plain(EMAIL) == made


@pytest.mark.parametrize(
    "text",
    [
        "Basic \u0130eyJhbGciOi", "Authorization basic \u017fdGVzdDp0ZXN0", "Bearer \u212aeyJhbGciOiJIUzI1NiJ9",
        "http://h/cb?token=abcdefghijkl%40\ud800x", "password='abcdefghij\ud800%40bcdefgh'", "cookie: a=abcdefghijk\ud800%3Dz",
    ],
)  # fmt: skip
def test_letters_that_are_no_ascii(text: str) -> None:
    """Letters that fold to ASCII ones, and lone surrogates beside escapes, are taken and no error."""
    once = redactor().event(json.dumps({"m": text})).text
    assert redactor().event(once).text == once
    assert "abcdefghij" not in once


def test_escaped_letters_in_bytes() -> None:
    """A stand-in for letters that are escaped in binary data is escaped as well."""
    hidden = b"\xff\x00 password=" + b"\\u0438\\u0439" * 12 + b"\x00"
    made = redacted([in_base64(hidden)])
    content = base64.b64decode(made[0])
    assert content.startswith(b"\xff\x00 password=REDACTED\\u04")
    assert redacted(made) == made


_HIDDEN = json.dumps({"email": EMAIL, "order": 17}).encode()


@pytest.mark.parametrize("behind", [b"\0", b"\0\0\0\0", b"\n", b"\xff\xfegarbage", b"\x1f\x8b"])
@pytest.mark.parametrize(
    "pack", [gzip.compress, zlib.compress, lambda content: gzip.compress(b" ") + gzip.compress(content)]
)
def test_what_stands_behind_packed_bytes(pack: Any, behind: bytes) -> None:
    """Padding or garbage behind packed bytes hides nothing in them, and stays."""
    made = redacted([in_base64(pack(_HIDDEN) + behind)])
    content = base64.b64decode(made[0])
    assert content.endswith(behind)
    inside = zlib.decompress(content.removesuffix(behind), wbits=47)
    assert json.loads(inside)["email"].endswith(".invalid")
    assert redacted(made) == made


def test_a_secret_behind_packed_bytes() -> None:
    """What stands behind packed bytes is looked through as well."""
    made = redacted([in_base64(gzip.compress(b"harmless") + f"\0 {EMAIL}".encode())])
    assert EMAIL.encode() not in base64.b64decode(made[0])
    assert zlib.decompressobj(wbits=31).decompress(base64.b64decode(made[0])) == b"harmless"
    assert redacted(made) == made


def test_too_many_members() -> None:
    """More members than are looked through are refused."""
    members = gzip.compress(b" ") * 1_000
    assert redacted([in_base64(members)]) == [in_base64(members)]
    with pytest.raises(RedactionError, match="too large"):
        redacted([in_base64(members + gzip.compress(_HIDDEN))])


def test_deflate_without_a_header() -> None:
    """Deflate without a header, as SAML has it, is opened and closed again."""
    packer = zlib.compressobj(wbits=-15)
    made = redacted([in_base64(packer.compress(_HIDDEN) + packer.flush())])
    assert json.loads(zlib.decompress(base64.b64decode(made[0]), wbits=-15))["email"].endswith(".invalid")
    assert redacted(made) == made


@pytest.mark.parametrize(
    ("event", "secret"),
    [
        ({"password": "hunter2-REDACTED-real"}, "hunter2"),
        ({"msg": "password=xREDACTEDhunter2"}, "hunter2"),
        ({"m": "Authorization: Bearer abcREDACTEDdef1234567890"}, "def1234567890"),
        ({"m": f"{JWT.rpartition('.')[0]}.sigREDACTEDnature"}, "sigREDACTEDnature"),
        ({"m": "ghp_abcdefghijREDACTEDabcdefghijabcdefgh"}, "abcdefghij"),
        ({"m": "AKIAABCDREDACTEDWXYZ"}, "WXYZ"),
    ],
)
def test_the_mark_within_a_secret(event: Any, secret: str) -> None:
    """Only at its beginning does the mark say that a value is ours."""
    made = redacted(event)
    assert secret not in json.dumps(made)
    assert redacted(made) == made


@given(st.text())
def test_a_receipt_handle_that_we_make_holds_nothing(message_id: str) -> None:
    """Under its own key it is known at once by its form; under any other it is looked through, and stays as well."""
    handle = fake_receipt_handle(message_id)
    assert is_made_receipt_handle(handle)
    text = json.dumps({"receiptHandle": handle, "note": handle})
    assert Redactor().event(text).text == text


def test_what_only_looks_like_our_receipt_handle_is_looked_through() -> None:
    """Behind our mark stands a digest in a few letters; with anything else there, what base64 hides is found."""
    hidden = base64.b64encode(f"AAA {EMAIL} and more".encode()).decode()
    made = Redactor().event(json.dumps({"receiptHandle": f"AQEBREDACTED{hidden}"})).text
    assert hidden not in made


def test_our_receipt_handle_stays() -> None:
    """A receipt handle that we made is known again."""
    event = {"receiptHandle": "AQEBREDACTEDabcdefghijklmnop"}
    assert redacted(event) == event


SECRET = "hunter2-Sup3rS3cret"


@pytest.mark.parametrize(
    "rest", [SECRET, f"login with {SECRET} failed", {"attempt": [SECRET]}, {SECRET: 1}, f'{{"p": "{SECRET}"}}']
)
def test_a_secret_is_replaced_wherever_it_stands_in_its_event(rest: Any) -> None:
    """What a key gives away as secret has one stand-in in the whole event, also where no key tells what it is."""
    made = redactor().event(json.dumps({"password": SECRET, "rest": rest}))
    assert SECRET not in made.text
    assert SECRET not in repr(made.redactions)
    stand_in = json.loads(made.text)["password"]
    assert made.text.count(stand_in) == 2
    assert [each.detector for each in made.redactions] == ["secret-key", "secret-key"]
    assert redactor().event(made.text).text == made.text


def test_a_secret_with_marks_is_replaced_in_json_in_strings() -> None:
    """Escapes of any level do not hide a secret from its stand-in."""
    secret = 'a"b\\c1-xyz'
    made = redactor().event(
        json.dumps({"password": secret, "body": json.dumps({"x": secret, "y": json.dumps([secret])})})
    )
    body = json.loads(json.loads(made.text)["body"])
    assert {body["x"], *json.loads(body["y"])} == {json.loads(made.text)["password"]}


@pytest.mark.parametrize(
    "meant", ["AWS_IAM", "orders-service", "12345678", "1e300", "x1-yz", "arn:aws:iam::111122223333:role/r1"]
)
def test_what_means_more_than_a_secret_stays_elsewhere(meant: str) -> None:
    """Words, numbers, ARNs and short values under a key such as `auth` may stand in the event for something else."""
    assert redacted({"auth": meant, "rest": [meant]})["rest"] == [meant]


def test_a_secret_in_a_key_is_not_told_in_the_places_of_findings() -> None:
    """Where something was found beneath a key that is itself a secret, the place names the stand-in."""
    made = redactor().event(json.dumps({"password": SECRET, SECRET: {"mail": EMAIL}}))
    assert SECRET not in repr(made)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"refresh_tokens": ["1//0gK-xYz9QpLmNo"]}, None),
        ({"sessionTokens": {"SS": ["3f2b8c1e-7d44-4c0e-9a51-0b6f1e2d3c4a"]}}, None),
        ({"deviceTokens": "abc-123456"}, None),
        ({"usage": {"prompt_tokens": 12, "max_tokens": "4096"}, "tokens": ["the", "quick"]}, "as it was"),
        ({"log": "max_tokens=4096 tokens: three"}, "as it was"),
    ],
)
def test_several_tokens_are_as_secret_as_one(event: dict[str, Any], expected: str | None) -> None:
    """Tokens in a list or a set are secrets; how many tokens a model takes, and the words of a text, are none."""
    assert (redacted(event) == event) == (expected is not None)
