"""A labelled corpus, made from a seed: secrets of every kind in many shapes, languages and encodings, and innocents."""

import base64
import contextlib
import gzip
import hashlib
import json
import re
import string
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple
from urllib.parse import quote, quote_plus, unquote_plus

from replay.redaction.card_numbers import luhn_digit

_ALPHANUMERIC = string.ascii_letters + string.digits
_BASE64 = _ALPHANUMERIC + "+/"
_URL_SAFE = _ALPHANUMERIC + "-_"
_HEXADECIMAL = "0123456789abcdef"


class Labelled(NamedTuple):
    """A text with something private in it: `secret` is what must be gone, `text` what stands there."""

    secret: str
    text: str


def _of(alphabet: str, count: int, random: Random) -> str:
    return "".join(random.choices(alphabet, k=count))


def _alone(secret: str) -> Labelled:
    return Labelled(secret, secret)


def _base64_json(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _jwt(random: Random) -> Labelled:
    claims = {"sub": str(uuid.UUID(int=random.getrandbits(128))), "exp": 1795262400 + random.randrange(10**6)}
    token = f"{_base64_json({'alg': 'RS256', 'typ': 'JWT'})}.{_base64_json(claims)}.{_of(_URL_SAFE, 86, random)}"
    return Labelled(token.rpartition(".")[2], token)


def _private_key(random: Random) -> Labelled:
    kind = random.choice(["RSA ", "EC ", "", "OPENSSH "])
    body = "\n".join(_of(_BASE64, 64, random) for _ in range(random.randrange(2, 9)))
    return Labelled(body.split("\n")[1], f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----")


_VENDORS: tuple[tuple[str, str, int], ...] = (
    ("ghp_", _ALPHANUMERIC, 36), ("github_pat_", _ALPHANUMERIC, 82), ("glpat-", _URL_SAFE, 20), ("xoxb-", _ALPHANUMERIC, 48),
    ("sk_live_", _ALPHANUMERIC, 24), ("whsec_", _ALPHANUMERIC, 32), ("AIza", _URL_SAFE, 35), ("npm_", _ALPHANUMERIC, 36),
    ("sk-ant-api03-", _URL_SAFE, 93), ("sk-proj-", _ALPHANUMERIC, 48), ("hf_", _ALPHANUMERIC, 34), ("shpat_", _HEXADECIMAL, 32),
    ("dop_v1_", _HEXADECIMAL, 64), ("sq0atp-", _URL_SAFE, 22), ("NRAK-", string.ascii_uppercase, 27), ("glsa_", _ALPHANUMERIC, 41),
)  # fmt: skip


def _vendor_key(random: Random) -> Labelled:
    prefix, alphabet, count = random.choice(_VENDORS)
    return _alone(prefix + random.choice(_ALPHANUMERIC) + _of(alphabet, count - 2, random) + random.choice(_ALPHANUMERIC)
                  if alphabet == _URL_SAFE else prefix + _of(alphabet, count, random))  # fmt: skip


def _bearer(random: Random) -> Labelled:
    token = _of(_URL_SAFE + ".", 30, random) + "7x"
    return Labelled(token, f"Authorization: Bearer {token}")


def _basic(random: Random) -> Labelled:
    pair = f"{_of(string.ascii_lowercase, 6, random)}:{_of(_ALPHANUMERIC, 12, random)}"
    encoded = base64.b64encode(pair.encode()).decode()
    return Labelled(encoded, f"Authorization: Basic {encoded}")


def _cookie(random: Random) -> Labelled:
    value = _of(_ALPHANUMERIC, 26, random)
    return Labelled(value, f"Cookie: theme=dark; SID={value}; lang=de")


def _connection(random: Random) -> Labelled:
    password = _of(_ALPHANUMERIC + "!$*", 14, random)
    scheme = random.choice(["postgres", "mysql", "mongodb+srv", "amqps", "redis"])
    return Labelled(password, f"{scheme}://orders:{password}@db.internal.example:5432/orders")


def _presigned(random: Random) -> Labelled:
    signature = _of(_HEXADECIMAL, 64, random)
    return Labelled(
        signature,
        "https://uploads.s3.eu-west-1.amazonaws.com/a.pdf?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Date=20261120T101530Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature={signature}",
    )


def _password(random: Random) -> Labelled:
    value = _of(_ALPHANUMERIC + "!#$*", 12, random)
    name = random.choice(["password", "DB_PASSWORD", "client_secret", "api_key", "passwd"])
    return Labelled(value, f"{name}={value}")


_ISSUERS = (
    ("4", 16),
    ("51", 16),
    ("55", 16),
    ("2221", 16),
    ("34", 15),
    ("37", 15),
    ("6011", 16),
    ("3530", 16),
    ("36", 14),
    ("62", 16),
)


def _card(random: Random) -> Labelled:
    prefix, size = random.choice(_ISSUERS)
    body = prefix + _of(string.digits, size - len(prefix) - 1, random)
    number = body + luhn_digit(body)
    if size == 16 and random.random() < 0.4:
        number = random.choice([" ", "-"]).join(number[at : at + 4] for at in range(0, 16, 4))
    return _alone(number)


_LOCALS = ("alice.liddell", "jürgen", "m.o'brien", "info", "bob+tag", "用户", "ivan_petrov", "a", "sales-eu", "x1")
_DOMAINS = (
    "wonderland.co.uk",
    "bücher.de",
    "mail.example.org",
    "例え.jp",
    "firma.com",
    "uni-koeln.de",
    "sub.corp.io",
    "почта.рф",
)


def _email(random: Random) -> Labelled:
    local = random.choice(_LOCALS) + random.choice(["", str(random.randrange(1000))])
    return _alone(f"{local}@{random.choice(_DOMAINS)}")


_PHONES = (
    "+49 151 {}", "+1 415 555 {4}", "+44 20 7946 {4}", "+33 6 {2} {2} {2} {2}", "+91 98765 {5}", "+81-3-{4}-{4}", "+55 (11) 9{4}-{4}",
    "+4915{9}", "+1415{7}", "(415) 555-{4}", "tel: 030 {7}", "mobile: 07700 {6}",
)  # fmt: skip


def _phone(random: Random) -> Labelled:
    written = random.choice(_PHONES)
    for count in range(2, 10):
        while f"{{{count}}}" in written:
            written = written.replace(
                f"{{{count}}}", str(random.randrange(2, 10)) + _of(string.digits, count - 1, random), 1
            )
    written = written.replace("{}", _of(string.digits, 8, random))
    return Labelled(written.partition(": ")[2] or written, written)


def _iban(random: Random) -> Labelled:
    country, size = random.choice([("DE", 18), ("FR", 23), ("GB", 18), ("NL", 14), ("ES", 20)])
    body = (_of(string.ascii_uppercase, 4, random) if country in {"GB", "NL"} else "") + _of(
        string.digits, size, random
    )
    body = body[:size]
    check = 98 - int("".join(str(int(char, 36)) for char in f"{body}{country}00")) % 97
    number = f"{country}{check:02}{body}"
    return _alone(number if random.random() < 0.5 else " ".join(number[at : at + 4] for at in range(0, len(number), 4)))


def _public_ip(random: Random) -> Labelled:
    if random.random() < 0.3:
        return _alone(f"2a0{random.randrange(10)}:" + ":".join(f"{random.randrange(1, 65536):x}" for _ in range(7)))
    return _alone(
        f"{random.choice([8, 52, 81, 93, 151, 185, 217])}." + ".".join(str(random.randrange(1, 255)) for _ in range(3))
    )


STRUCTURED: Mapping[str, Callable[[Random], Labelled]] = {
    "aws-access-key-id": lambda random: _alone(random.choice(["AKIA", "ASIA"]) + _of(string.ascii_uppercase + "234567", 16, random)),
    "aws-secret-access-key": lambda random: _alone(_of(_ALPHANUMERIC, 1, random) + _of(_BASE64, 38, random) + "7"),
    "aws-session-token": lambda random: _alone("IQoJb3JpZ2lu" + _of(_BASE64, 300, random)),
    "receipt-handle": lambda random: _alone("AQEB" + _of(_BASE64, 180, random)),
    "vendor-key": _vendor_key,
    "private-key": _private_key,
    "jwt": _jwt,
    "bearer-token": _bearer,
    "basic-credentials": _basic,
    "cookie": _cookie,
    "url-password": _connection,
    "presigned-url": _presigned,
    "password": _password,
    "iban": _iban,
    "card-number": _card,
}  # fmt: skip
"""Makers of what has a form of its own."""

OTHERS: Mapping[str, Callable[[Random], Labelled]] = {
    "email": _email,
    "phone": _phone,
    "ip-address": _public_ip,
    "high-entropy": lambda random: _alone(_of(_ALPHANUMERIC, random.choice([32, 40, 43, 48, 64]), random)),
}

_SENTENCES = (
    "the request {} was refused", "Kunde {} nicht gefunden", "l'utilisateur {} est inconnu", "用户 {} 不存在", "не найден {} в базе",
    "لم يتم العثور على {} هنا", "{}", 'got "{}" instead', "level=error msg='{}' took=3ms", "({})",
)  # fmt: skip


def _sentence(text: str, random: Random) -> str:
    return random.choice(_SENTENCES).replace("{}", text)


def in_base64(text: str) -> str:
    """Encode a text in base64."""
    return base64.b64encode(text.encode()).decode()


SHAPES: Mapping[str, Callable[[str, Random], str]] = {
    "text": lambda text, random: json.dumps({"body": _sentence(text, random)}, ensure_ascii=random.random() < 0.5),
    "json in a string": lambda text, random: json.dumps({"body": json.dumps({"detail": {"m": _sentence(text, random), "n": 7}})}),
    "three strings deep": lambda text, random: json.dumps(
        {"body": json.dumps({"Message": json.dumps({"detail": json.dumps([_sentence(text, random)])})})}
    ),
    "base64": lambda text, random: json.dumps({"data": in_base64(json.dumps({"m": _sentence(text, random)}))}),
    "gzip in base64": lambda text, random: json.dumps(
        {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps({"m": _sentence(text, random)}).encode(), mtime=0)).decode()}}
    ),
    "query string": lambda text, random: json.dumps({"url": f"https://x.example/a?q={quote(text, safe='')}&page=2"}),
    "form": lambda text, random: json.dumps({"body": f"a=1&message={quote_plus(text)}&b=2"}),
    "form of JSON": lambda text, random: json.dumps({"body": f"payload={quote(json.dumps({'m': text}), safe='')}&v=1"}),
    "log lines": lambda text, random: json.dumps({"log": f"START\n2026-11-20T10:15:30Z\tERROR\t{_sentence(text, random)}\nEND"}),
    "attribute": lambda text, random: json.dumps({"Records": [{"messageAttributes": {"note": {"stringValue": text, "dataType": "String"}}}]}),
    "xml": lambda text, random: json.dumps({"body": f"<m><t>{text.replace('&', '&amp;')}</t></m>"}),
    "header": lambda text, random: json.dumps({"headers": {"x-note": text}, "multiValueHeaders": {"x-note": [text]}}),
}  # fmt: skip
"""Where and how a text stands in an event."""


SECRET_NAMES = (
    "password", "DB_PASSWORD", "clientSecret", "x-api-key", "accessToken", "Authorization", "passphrase", "privateKey", "Passwort", "mot_de_passe",
)  # fmt: skip
NAMED_SHAPES: Mapping[str, Callable[[str, str], str]] = {
    "key": lambda name, value: json.dumps({"user": {name: value}}),
    "list at a key": lambda name, value: json.dumps({"multiValueHeaders": {name: [value]}}),
    "key in a string": lambda name, value: json.dumps({"body": json.dumps({"login": {name: value}})}),
    "key in base64": lambda name, value: json.dumps({"data": in_base64(json.dumps({name: value}))}),
    "item of DynamoDB": lambda name, value: json.dumps({"dynamodb": {"NewImage": {name: {"S": value}}}}),
    "name beside its value": lambda name, value: json.dumps({"env": [{"name": "STAGE", "value": "test"}, {"name": name, "value": value}]}),
    "pairs": lambda name, value: json.dumps({"headers": [["accept", "*/*"], [name, value]]}),
    "object of secrets": lambda name, value: json.dumps({"credentials": {"first": value}, "cookies": {name: value}}),
    "event in a log line": lambda name, value: json.dumps({"log": f"Received event: {json.dumps({'headers': {name: [value]}})}"}),
    "dict in a log line": lambda name, value: json.dumps({"log": f"event={ {'user': {name: value}}!r}"}),
    "object in a stack": lambda name, value: json.dumps({"stack": f"Login(user='bob', {name.replace('-', '_')}='{value}')"}),
    "query": lambda name, value: json.dumps({"rawQueryString": f"a=1&{name}={quote(value)}&b=2"}),
    "form in parts": lambda name, value: json.dumps({"body": f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n--x--'}),
    "XML element": lambda name, value: json.dumps({"body": f"<r><a:{name} b='c'>{value}</a:{name}></r>"}),
    "XML attribute": lambda name, value: json.dumps({"body": f"<login {name}='{value}'/>"}),
    "YAML": lambda name, value: json.dumps({"body": f"db:\n  {name}: '{value}'\n  port: 5432\n"}),
    "environment": lambda name, value: json.dumps({"body": f"STAGE=test\n{name}={value}\n"}),
    "command line": lambda name, value: json.dumps({"log": f"login --user bob --{name.replace('_', '-')} '{value}'"}),
}  # fmt: skip
"""Where and how a secret without a form of its own stands behind its name."""


def named_secret(number: int, random: Random) -> tuple[Labelled, str]:
    """Draw a secret that only its name tells, and the event that it stands in."""
    shapes = list(NAMED_SHAPES.values())
    value = _of(_ALPHANUMERIC, 9, random) + random.choice("!#$*.") + _of(string.digits, 2, random)
    return _alone(value), shapes[number % len(shapes)](random.choice(SECRET_NAMES), value)


def innocent(random: Random) -> str:
    """Draw a value that is nobody's: ids, digests, numbers, times, names of things, in every usual form."""
    digest = hashlib.sha256(random.randbytes(8))
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(
        seconds=random.randrange(10**8), microseconds=random.randrange(10**6)
    )
    account, region = f"{random.randrange(10**11, 10**12)}", random.choice(["eu-west-1", "us-east-1"])
    return random.choice([
        lambda: str(uuid.UUID(int=random.getrandbits(128), version=4)), digest.hexdigest, lambda: hashlib.md5(digest.digest()).hexdigest(),
        lambda: hashlib.sha1(digest.digest()).hexdigest(), lambda: base64.b64encode(digest.digest()).decode(),
        lambda: str(random.randrange(10**6, 10**12)), lambda: f"ORD-2026-{random.randrange(10**7):07}", lambda: f"o-{random.randrange(10**5)}",
        lambda: str(int(moment.timestamp())), lambda: str(int(moment.timestamp() * 1000)), moment.isoformat,
        lambda: moment.strftime("%a, %d %b %Y %H:%M:%S +0000"), lambda: moment.strftime("%Y-%m-%d"), lambda: moment.strftime("%H:%M:%S.%f"),
        lambda: f"arn:aws:sqs:{region}:{account}:orders-{random.randrange(100)}", lambda: f"arn:aws:s3:::uploads-{random.randrange(10**6)}",
        lambda: f"arn:aws:lambda:{region}:{account}:function:orders:{random.randrange(50)}", lambda: account,
        lambda: f"Root=1-{random.getrandbits(32):08x}-{random.getrandbits(96):024x};Parent={random.getrandbits(64):016x};Sampled=1",
        lambda: f"00-{random.getrandbits(128):032x}-{random.getrandbits(64):016x}-01", lambda: f"{random.randrange(20)}.{random.randrange(30)}.{random.randrange(99)}",
        lambda: f"v1.{random.randrange(20)}.{random.randrange(30)}.{random.randrange(30)}", lambda: f"10.{random.randrange(256)}.{random.randrange(256)}.{random.randrange(1, 255)}",
        lambda: f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/{random.randrange(90, 140)}.0.{random.randrange(9999)}.{random.randrange(200)} Safari/537.36",
        lambda: _of("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 26, random), lambda: _of(_URL_SAFE, 21, random), lambda: f"AIDA{_of(string.ascii_uppercase + '234567', 17, random)}",
        lambda: f"left-pad@{random.randrange(9)}.{random.randrange(9)}.{random.randrange(9)}", lambda: f"logo@{random.randrange(2, 4)}x.png",
        lambda: f"{random.uniform(-180, 180):.6f},{random.uniform(-90, 90):.6f}", lambda: f"{random.uniform(0, 10_000):.2f}",
        lambda: f"https://shop.example/orders/{random.randrange(10**7)}?page={random.randrange(9)}#top", lambda: "OrderCreatedEvent",
        lambda: f"src/main/java/com/example/Order{random.choice(['Service', 'Handler'])}Impl.java", lambda: f"SKU-{_of(string.ascii_uppercase, 3, random)}-{random.randrange(10**4)}",
        lambda: f"{random.getrandbits(64):016x}", lambda: str(random.getrandbits(64)), lambda: f"49{_of(string.digits, 54, random)}",
        lambda: in_base64(json.dumps({"orderId": f"o-{random.randrange(10**5)}", "total": random.randrange(10**4)})),
    ])()  # fmt: skip


def readable(text: str) -> str:
    """Write out beside a text all that it holds: strings of JSON, base64, gzip, percent-encoding, at any depth."""
    layers, todo = [], [text]
    while todo and len(layers) < 200:
        layer = todo.pop()
        layers.append(layer)
        if "%" in layer or "+" in layer:
            opened = unquote_plus(layer)
            todo += [part for part in {opened, *re.split("[&=]", opened)} if part != layer]
        if layer[:1] in {"{", "[", '"'}:
            with contextlib.suppress(ValueError):
                todo += _strings(json.loads(layer))
        if len(layer) > 8 and re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", layer):
            with contextlib.suppress(ValueError, OSError, EOFError):
                content = base64.b64decode(layer, validate=True)
                todo.append((gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode())
    return "\n".join(layers)


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [each for pair in value.items() for part in pair for each in _strings(part)]
    if isinstance(value, list):
        return [each for item in value for each in _strings(item)]
    return [value if isinstance(value, str) else json.dumps(value)]
