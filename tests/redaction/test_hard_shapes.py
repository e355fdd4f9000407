"""Shapes in which secrets come that have no form of their own, or hide it; and innocents that look like them."""
# ruff: noqa: RUF001 - other scripts are what is tested

import base64
import gzip
import json
import re
import zlib
from base64 import encodebytes
from typing import Any
from urllib.parse import quote

import pytest

from replay.redaction import redactor
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings
from tests.redaction.labelled_corpus import in_base64, readable
from tests.redaction.samples import AWS_KEY_ID, CARD, EMAIL, IBAN, JWT

REDACTOR = Redactor(RedactionSettings(key=b"the key of the tests"))
PASSWORD, TOKEN = "hunter2x", "zk29" + "ab-qq"
PEM = (
    "-----BEGIN RSA PRIVATE "
    "KEY-----\nMIIEowIBAAKCAQEA7v9Kq2mX8fTz\nQ1w2E3r4T5y6U7i8O9p0AsDf\n-----END RSA PRIVATE KEY-----\n"
)
PEM_LINE = "MIIEowIBAAKCAQEA7v9Kq2mX8fTz"
PART = '--xYz\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
SIGNATURE = "fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024"
_LOGGED = {"user": {"first_name": "Alice", "email": EMAIL}, "headers": {"cookie": f"sid={TOKEN}"}, "password": PASSWORD}

HIDDEN: dict[str, tuple[Any, tuple[str, ...]]] = {
    # Names beside their values, and above them.
    "headers in pairs": ({"headers": [["Authorization", f"Bearer {TOKEN}12"], ["Cookie", f"sid={PASSWORD}"], ["X-Api-Key", TOKEN]]}, (TOKEN, PASSWORD)),
    "headers with a key and a value": ({"headers": [{"key": "Authorization", "value": TOKEN}, {"Value": PASSWORD, "Name": "db_password"}]}, (TOKEN, PASSWORD)),
    "short names of names and values": ({"env": [{"k": "password", "v": PASSWORD}, {"key": "token", "val": TOKEN}]}, (TOKEN, PASSWORD)),
    "several values of one name": ({"parameters": [{"name": "cookie", "values": [f"a={TOKEN}", f"b={PASSWORD}"]}]}, (TOKEN, PASSWORD)),
    "attributes of a user": ({"attributes": [{"Name": "given_name", "Value": "Alice"}, {"Name": "phone_number", "Value": "07700 900123"}]}, ("Alice", "900123")),
    "a number named beside it": ({"fields": [{"name": "pin", "value": 493021}]}, ("493021",)),
    "pairs in JSON in a string": ({"body": json.dumps({"env": [{"name": "DB_PASSWORD", "value": PASSWORD}]})}, (PASSWORD,)),
    "an object of cookies": ({"cookies": {"sid": TOKEN, "remember": PASSWORD}}, (TOKEN, PASSWORD)),
    "an object of credentials": ({"credentials": {"u": "bob", "p": PASSWORD}, "tokens": {"access": TOKEN}}, (PASSWORD, TOKEN)),
    "a map of DynamoDB": ({"NewImage": {"secret": {"M": {"first": {"S": TOKEN}}}, "password": {"S": PASSWORD}}}, (TOKEN, PASSWORD)),
    "objects beneath a password": ({"password": {"current": PASSWORD, "new": {"S": TOKEN}}, "secret": {"a": {"b": PASSWORD}}, "apiKey": {"live": TOKEN}}, (PASSWORD, TOKEN)),
    "lists, maps and bytes of DynamoDB": ({"password": {"L": [{"S": PASSWORD}]}, "secret_key": {"BS": [in_base64(TOKEN)]}, "credentials": {"M": {"db": {"M": {"x": {"S": TOKEN}}}}}}, (PASSWORD, TOKEN)),
    "passwords with more to their names": ({"password2": PASSWORD, "passwordConfirmation": PASSWORD, "db_pass": PASSWORD, "userPass": PASSWORD, "password_hash": PASSWORD, "securityAnswer": TOKEN, "totp": TOKEN, "pw": PASSWORD, "csrf": TOKEN}, (PASSWORD, TOKEN)),
    "lists of secrets": ({"passwords": [PASSWORD], "api_keys": [TOKEN]}, (PASSWORD, TOKEN)),
    "cookies of HTTP API": ({"cookies": [f"sid={TOKEN}", f"theme={PASSWORD}"]}, (TOKEN, PASSWORD)),
    "headers of several values": ({"multiValueHeaders": {"Set-Cookie": [f"sid={TOKEN}; Path=/", f"r={PASSWORD}; Max-Age=3"]}}, (TOKEN, PASSWORD)),
    "cookies that a proxy has joined": ({"headers": {"set-cookie": f"sid={TOKEN}; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT, r={PASSWORD}; Path=/"}}, (TOKEN, PASSWORD)),
    "names in other languages": ({"contraseña": PASSWORD, "mot_de_passe": PASSWORD, "ПАРОЛЬ": PASSWORD, "密码": PASSWORD, "비밀번호": PASSWORD, "Kennwort": PASSWORD}, (PASSWORD,)),
    "people in other languages": ({"фамилия": "Иванов", "prénom": "Zoë", "姓名": "王小明", "電話番号": "03-1234-5678"}, ("Иванов", "Zoë", "王小明", "1234-5678")),
    "headers of Kafka": ({"records": {"t-0": [{"value": "e30=", "headers": [{"x-note": [*EMAIL.encode()]}, {"key": [*f"id {AWS_KEY_ID}".encode()]}]}]}}, (EMAIL, AWS_KEY_ID)),
    "a secret header of Kafka": ({"records": {"t-0": [{"value": "e30=", "headers": [{"Authorization": [*f"Bearer {TOKEN}".encode()]}, {"password": [*PASSWORD.encode()]}]}]}}, (TOKEN, PASSWORD)),
    "a Buffer of Node": ({"body": {"type": "Buffer", "data": [*f"to {EMAIL}".encode()]}}, (EMAIL,)),
    # Markup and forms.
    "XML elements": ({"body": f"<r><password>{PASSWORD}</password><ns:ApiKey a='b'>{TOKEN}</ns:ApiKey></r>"}, (PASSWORD, TOKEN)),
    "CDATA": ({"body": f"<Password Type='x'>\n  <![CDATA[{PASSWORD}]]></Password><LastName><![CDATA[Liddell]]></LastName>"}, (PASSWORD, "Liddell")),
    "XML attributes": ({"body": f"<user password='{PASSWORD}' email=\"{EMAIL}\" firstName=\"Alice\"/>"}, (PASSWORD, EMAIL, "Alice")),
    "a form in parts": ({"body": PART.format("password", PASSWORD) + PART.format("email", EMAIL)}, (PASSWORD, EMAIL)),
    "a form in parts in base64": ({"isBase64Encoded": True, "body": in_base64(PART.format("api_key", TOKEN))}, (TOKEN,)),
    "YAML": ({"body": f"db:\n  password: {PASSWORD}\n  api_key: '{TOKEN}'\n"}, (PASSWORD, TOKEN)),
    "a key in YAML": ({"body": "tls:\n  key: |\n    " + PEM.replace("\n", "\n    ")}, (PEM_LINE,)),
    "an environment file": ({"body": f"DB_PASSWORD={PASSWORD}\nexport STRIPE_SECRET='abc {TOKEN}'\nEMPTY=\n"}, (PASSWORD, TOKEN)),
    "SQL": ({"log": f"ALTER USER bob WITH PASSWORD '{PASSWORD}'; CREATE USER x IDENTIFIED BY '{TOKEN}'"}, (PASSWORD, TOKEN)),
    "a command line": ({"log": f"mysql --password {PASSWORD} --db-token '{TOKEN}'; curl -u bob:{PASSWORD} https://x.example"}, (PASSWORD, TOKEN)),
    # Logs and stacks.
    "an event in a log line": ({"log": f"[INFO] Received event: {json.dumps(_LOGGED)} in 3 ms"}, (PASSWORD, TOKEN, EMAIL, "Alice")),
    "two events in one log line": ({"log": f"{json.dumps([1, {'cookies': [f'a={TOKEN}']}])} and {json.dumps({'cookies': {'x': PASSWORD}})}"}, (TOKEN, PASSWORD)),
    "an event that was cut off": ({"log": f"Received event: {json.dumps(_LOGGED)[:-3]}"}, (PASSWORD, TOKEN, EMAIL, "Alice")),
    "a dict of Python": ({"log": f"event={_LOGGED!r}"}, (PASSWORD, TOKEN, EMAIL, "Alice")),
    "bytes of Python": ({"log": repr({"password": PASSWORD.encode(), "headers": [(b"authorization", TOKEN.encode())]})}, (PASSWORD, TOKEN)),
    "lists and types of Python": ({"log": repr({"Authorization": [TOKEN], "password": {"S": PASSWORD}})}, (PASSWORD, TOKEN)),
    "an object of Python": ({"log": f"refused User(first_name='Alice', password='{PASSWORD}', card='{CARD}')"}, ("Alice", PASSWORD, CARD)),
    "locals in a stack": ({"stack": f"File \"a.py\", line 3, in f\n    password = '{PASSWORD}'\n    config = {{'api_key': '{TOKEN}'}}"}, (PASSWORD, TOKEN)),
    "a hash of Ruby": ({"log": f'{{:password=>"{PASSWORD}", "api_key"=>"{TOKEN}"}}'}, (PASSWORD, TOKEN)),
    # URLs, connections, credentials.
    "a presigned URL in JSON": (json.dumps({"body": json.dumps({"url": f"https://b.s3.amazonaws.com/k?X-Amz-Credential={AWS_KEY_ID}%2F20261120&X-Amz-Signature={SIGNATURE}"}).replace("&", r"\u0026")}), (AWS_KEY_ID, SIGNATURE)),
    "a token in a query string": ({"rawQueryString": f"a=1&access_token={JWT}&b=2"}, (JWT,)),
    "a digest's answer": ({"log": f'Authorization: Digest username="bob", realm="x", response="{SIGNATURE[:32]}"'}, (SIGNATURE[:32],)),
    "a connection of Oracle": ({"log": "jdbc:oracle:thin:scott/tiger99x@//db.example:1521/svc"}, ("tiger99x",)),
    "a connection of ODBC": ({"log": f"Server=x;Uid=u;Pwd={{{PASSWORD};x}};Encrypt=yes"}, (PASSWORD,)),
    "a key with escaped lines": ({"key": PEM.replace("\n", "\\n"), "log": json.dumps({"k": PEM})}, (PEM_LINE,)),
    # Encodings within encodings.
    "a form of base64 of JSON": ({"body": "p=" + quote(in_base64(json.dumps({"m": EMAIL, "k": AWS_KEY_ID})))}, (EMAIL, AWS_KEY_ID)),
    "base64 of a form of JSON of base64": ({"body": in_base64("p=" + quote(json.dumps({"m": in_base64(json.dumps({"m": EMAIL}))})))}, (EMAIL,)),
    "a subscription of CloudWatch": ({"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps({"logEvents": [{"message": f"event: {json.dumps(_LOGGED)}"}]}).encode())).decode()}}, (PASSWORD, TOKEN, EMAIL, "Alice")),
    "base64 in lines": ({"a": encodebytes(f"{'Dear Sir, ' * 7}{PEM}".encode()).decode(), "b": encodebytes(f"{'Dear Sir, ' * 7}{JWT}".encode()).decode()}, (PEM_LINE, JWT)),
    "forty letters of deflated text": ({"d": base64.b64encode(zlib.compress(b"GB33BUKB20201555555555")).decode()}, ("GB33BUKB20201555555555",)),
    "a data URL": ({"image": "data:text/plain;base64," + in_base64(f"hello {EMAIL}")}, (EMAIL,)),
    "letters that nobody sees": ({"log": f"{AWS_KEY_ID[:8]}\u200b{AWS_KEY_ID[8:]} alice\u200b@exam\u00adple.com"}, (AWS_KEY_ID[8:], "alice", "exam\u00adple")),
    "invisible letters, escaped": (json.dumps({"log": f"{AWS_KEY_ID[:8]}\u200b{AWS_KEY_ID[8:]}"}), (AWS_KEY_ID[8:],)),
    # Numbers as people write them elsewhere.
    "an IBAN in small letters": ({"log": f"von {IBAN.lower()} und {IBAN.replace(' ', '').lower()}"}, ("3704 0044", "37040044")),
    "an IBAN with dashes": ({"log": f"{IBAN.replace(' ', '-')} {IBAN.replace(' ', chr(0xA0))}"}, ("3704-0044", "3704\u00a00044")),
    "phone numbers behind words": ({"log": "tél : 06 12 34 56 78, teléfono: 612 34 56 79, тел. 8 (495) 123-45-67, 手机：13812345678, cellulare 347 1234567"}, ("34 56 78", "34 56 79", "123-45-67", "13812345678", "347 1234567")),
    "phone numbers in other digits": ({"log": "هاتف: +٤٩ ١٥١ ٢٣٤٥٦٧٨٩, 電話 ＋８１－３－１２３４－５６７８, https://wa.me/4915123456789"}, ("٢٣٤٥٦٧٨٩", "５６７８", "4915123456789")),
    "a phone number with an optional zero": ({"log": "+49 (0) 151 / 234 567 89"}, ("234 567",)),
    "American Express with dashes": ({"log": "3714-496353-98431"}, ("3714-496353-98431",)),
}  # fmt: skip

INNOCENT: tuple[Any, ...] = (
    {"usage": {"prompt_tokens": 12, "total_tokens": 46}, "max_tokens": 4096, "tokens": ["the", "quick", "brown", "fox"]},
    {"required": ["password", "email"], "errors": [["password", "email"]], "log": "missing: ('password', 'email')"},
    {"log": "--token is missing; use --password to set it; --secret-name prod/db; docker run -u 1000:1000 img"},
    {"Tags": [{"Key": "Name", "Value": "web-1"}, {"Key": "Environment", "Value": "production"}]},
    {"headers": [["Content-Type", "application/json"]], "sort": [["name", "asc"], ["created_at", "desc"]]},
    {"SecretId": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x", "Step": "createSecret"},
    {"secrets": [{"name": "DB_PASSWORD", "valueFrom": "arn:aws:ssm:eu-west-1:123456789012:parameter/x"}]},
    {"credentials": {"type": "iam", "expiration": "2026-11-20T10:15:30Z", "region": "eu-west-1"}},
    {"passwordPolicy": {"minimumLength": 8, "symbols": "required"}, "tokenType": "Bearer", "token_type": "bearer"},
    {"log": '<Key>photo.jpg</Key><NextToken>abcdefg</NextToken><Name>uploads</Name><ETag>"d41d8cd98f00b204"</ETag>'},
    {"log": 'Received event: {"id": "7d3c6b1e-52d1-4a4c-9a39-8f1f0a2d7a11", "key": "value", "n": [1, 2, 3]}'},
    {"log": 'Content-Disposition: form-data; name="page"\r\n\r\nsecond one\r\n'},
    {"headers": [{"x": [*b"order o-17 of 2026-11-20"]}, {"n": [1, 2, 3, 255, 0, 7, 300]}], "ints": [65, 66, 67, 68, 69, 70]},
    {"log": "response=d41d8cd98f00b204e9800998ecf8427e"},
    {"a": "de89abcdef0123456789abcdef012345", "b": "ab12-cd34-ef56-ab78-cd90-12", "c": "fa12cd34ef56ab78cd90ef"},
    {"log": "lat +48.123456 lon +11.123456, T+00:00:12.345678, handle 1234567, model 1234567890"},
    {"name": "علی\u200cرضا می\u200cخواهم", "emoji": "👩\u200d🚀 ok"},
    {"log": "REPORT RequestId: 7d3c6b1e-52d1-4a4c-9a39-8f1f0a2d7a11\tDuration: 1.23 ms\tMax Memory Used: 66 MB"},
    {"object": {"key": "in/key=value/part-00000-7d3c6b1e-52d1-4a4c-9a39-8f1f0a2d7a11.c000.snappy.parquet"}},
)  # fmt: skip


@pytest.mark.parametrize("name", HIDDEN)
def test_nothing_of_it_is_left(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an event, and in a log line that holds the event, no secret of this shape can be read; twice is once."""
    event, secrets = HIDDEN[name]
    text = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
    made = REDACTOR.event(text).text
    arrays = "".join(bytes(map(int, each.split(", "))).decode() for each in re.findall(r"\[(\d+(?:, \d+){5,})\]", made))
    assert [secret for secret in secrets if secret in readable(made) + arrays] == []
    assert REDACTOR.event(made).text == made
    logged = REDACTOR.plain(f"INFO got {text}, again")
    assert [secret for secret in secrets if secret in logged] == []
    assert REDACTOR.plain(logged) == logged
    monkeypatch.setattr(redactor, "suspects", lambda text, **options: None)
    monkeypatch.setattr(redactor, "is_clean", lambda text: False)
    assert REDACTOR.event(text).text == made


@pytest.mark.parametrize("event", INNOCENT, ids=lambda event: next(iter(event)))
def test_what_only_looks_like_it_stays(event: Any) -> None:
    """Counts, lists of names, tags, references to secrets, digests and coordinates are nobody's: to the byte."""
    text = json.dumps(event, ensure_ascii=False)
    assert REDACTOR.event(text).text == text
    for logged in (f"INFO got {text}, again", f"event={event!r}"):
        assert REDACTOR.plain(logged) == logged


def test_bytes_in_an_array_stay_bytes() -> None:
    """As many, spaced as they were, at their place; beneath a key that says secret all are gone, whatever they are."""
    array = json.dumps([*f"to {EMAIL}".encode()])
    made = REDACTOR.event(f'{{"headers": [{{"x": {array}, "Authorization": [1,2,3,4,5,6]}}]}}')
    values = json.loads(made.text)["headers"][0]
    assert bytes(values["x"]).decode().startswith("to ")
    assert bytes(values["x"]).decode().endswith(".invalid")
    assert len(values["x"]) == len(f"to {EMAIL}")
    assert bytes(values["Authorization"]) == b"xxxxxx"
    assert ", ".join(map(str, values["x"])) in made.text
    assert ("/headers/0/x", "email") in [(each.at, each.detector) for each in made.redactions]


def test_rules_count_for_bytes_in_an_array() -> None:
    """What is kept stays, what is dropped goes, also where a text is written as its bytes."""
    event = json.dumps({"headers": [{"x": [*EMAIL.encode()], "y": 1}]})
    assert Redactor(RedactionSettings(keep=("x",))).event(event).text == event
    assert Redactor(RedactionSettings(drop=("x",))).event(event).text == '{"headers": [{"y": 1}]}'


def test_json_in_a_text_stays_exact() -> None:
    """Only the secret changes: spaces, escapes, numbers and order of the JSON in a line are what they were."""
    line = r'got { "a" : 1.50 , "url":"http:\/\/x\/é", "cookies":["a=hunter2x"],"b":1E3 } and {"c":1,"c":2} then card 4539578763621486'
    made = REDACTOR.plain(line)
    assert made.replace("a=xxxxxxxx", "a=hunter2x")[:-16] == line[:-16]
    assert "hunter2x" not in made
    assert CARD not in made


def test_what_is_found_in_a_text_is_told_by_its_place() -> None:
    """A secret in JSON in a log line is noted at its place in there."""
    found = REDACTOR.event(json.dumps({"log": 'got {"cookies": {"sid": "zk29abqq"}}'})).redactions
    assert [(each.at, each.detector) for each in found] == [("/log#/cookies/sid", "secret-key")]
