"""Secrets by the name that a text gives them: `password=…`, `<Password>…</Password>`, `--token …`, forms in parts."""

import re
from collections.abc import Iterator

from replay.redaction.personal_keys import is_a_name
from replay.redaction.secret_keys import PASSWORD_WORDS, TYPED_VALUES, is_secret_at
from replay.redaction.spans import Span

_TYPED = "|".join(sorted(TYPED_VALUES))
_IS_VALUE = rf"""
    (?P<is>["']?\s{{0,4}}(?:=>|=|:|\uff1a)\s{{0,4}})
    (?:(?:[\[(]\s{{0,4}}|\{{\s{{0,4}}["'](?:{_TYPED})["']\s{{0,4}}:\s{{0,4}}){{0,2}}
        [bu]?(?P<quote>["'])(?P<quoted>(?>(?:(?!(?P=quote))[^\r\n]){{1,512}}))
      |(?:(?:bearer|basic|token|digest|api-?key|negotiate)[ +])?(?P<value>[^\s"'&;,<>(){{}}\[\]\\]{{4,}}+)
      |(?<==)\{{(?P<braced>[^{{}}"'\r\n]{{1,256}}+)\}})"""
_NAMED = re.compile(
    r"""(?P<name>password|passwd|passphrase|pwd|secret|token|credentials?|signature|sig|authorization|session[-_]?id
      |(?:api|access|account|secret|private|signing|encryption|shared)[-_]?(?:access[-_]?)?key)"""
    + _IS_VALUE,
    re.VERBOSE | re.IGNORECASE,
)
_NAMED_ELSEWHERE = re.compile(
    f"(?P<name>{'|'.join('[ _-]?'.join(map(re.escape, word.split())) for word in PASSWORD_WORDS)})" + _IS_VALUE,
    re.VERBOSE | re.IGNORECASE,
)
_NAME_BEFORE = re.compile(r"[A-Za-z0-9_.-]*+$")
_LONGEST_NAME = 64
_SCHEME = re.compile(r"(?:bearer|basic|token|digest|api-?key|negotiate) +", re.IGNORECASE)
_NOT_SECRET = re.compile(
    r"(?:null|none|nil|true|false|undefined|missing|invalid|expired|required|empty|\*+|bearer|basic)[.:]?",
    re.IGNORECASE,
)
_ELEMENT = re.compile(
    r"<(?:[A-Za-z_][\w.-]{0,63}+:)?(?P<name>[^\W\d][\w.-]{1,63}+)(?:\s[^<>]{0,256}+)?>"
    r"(?:\s{0,16}<!\[CDATA\[(?P<cdata>(?>(?:(?!\]\]>)[^\r\n]){1,512}))|(?P<value>[^<>]{1,512}+)</)"
)
_FIELD = re.compile(
    r"""form-data;[^\r\n]{0,64}?\bname=(?P<quote>["']?)(?P<name>[^"'\r\n;]{1,64})(?P=quote)[^\r\n]{0,256}\r?\n
    (?:[^\r\n]{1,256}\r?\n){0,4}\r?\n""",
    re.VERBOSE | re.IGNORECASE,
)
_FIELD_VALUE = re.compile(r"(?>(?:(?!\r?\n--)[\s\S]){1,4096})")
# `--password …` on a command line; a plain word behind it may be the sentence going on: `--token is missing`.
_OPTION = re.compile(
    r"""(?<![\w-])--?(?P<name>[A-Za-z][\w-]{1,47}+)\s{1,4}
    (?:(?P<quote>["'])(?P<quoted>(?>(?:(?!(?P=quote))[^\r\n]){1,256}))|(?P<value>[^\s"'-][^\s"']{3,256}+))""",
    re.VERBOSE,
)
_USER = re.compile(r"""(?<![\w-])(?:-u|--user)[ =]["']?[^\s:"']{1,64}+:(?P<value>[^\s"']{1,256}+)""")
_SQL = re.compile(r"(?:passw(?:or)?d|identified\s{1,4}by)\s{1,4}'(?P<value>[^'\r\n]{1,256}+)'", re.IGNORECASE)
_PLAIN_WORD = re.compile(r"[A-Za-z]?[a-z]{1,23}[.,;:!?]?|[A-Z]{1,23}")
# A tuple of Python, as lists of headers have them, and an object that says the name beside the value.
_PAIR = re.compile(
    r"""(?:\(\s{0,2}[bu]?(?P<quote>["'])(?P<name>[\w.-]{2,64}+)(?P=quote)\s{0,2},
        |["'](?:[Nn]ame|[Kk]ey|[Hh]eader|[Ff]ield)["']\s{0,2}:\s{0,2}(?P<quote2>["'])(?P<name2>[\w.-]{2,64}+)(?P=quote2)
         \s{0,2},\s{0,2}["'][Vv]alues?["']\s{0,2}:)
    \s{0,2}[bu]?(?P<quote3>["'])(?P<value>(?>(?:(?!(?P=quote3))[^\r\n]){1,512}))(?P=quote3)""",
    re.VERBOSE,
)

NAMED_HINTS = (
    "pass", "pwd", "secret", "token", "key", "credential", "signature", "sig", "authorization", "session",
)  # fmt: skip
PASSWORD_HINTS = tuple(word.split()[0] for word in PASSWORD_WORDS)
WRITTEN_HINTS = (*NAMED_HINTS, "pin", "otp", "auth", "cookie", "cvv", "cvc", "ssn", "jwt", "identified", "-u", "--user")


def named_secrets(text: str) -> Iterator[Span]:
    """Find `password=…`, `token: …`, `X-Amz-Signature=…` in query strings, connection strings and log lines."""
    return _named(_NAMED, text)


def passwords_elsewhere(text: str) -> Iterator[Span]:
    """Find `Passwort: …`, `contraseña=…`, `пароль: …`: what people call a password where they do not speak English."""
    return _named(_NAMED_ELSEWHERE, text)


def _named(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    for found in pattern.finditer(text):
        before = _NAME_BEFORE.search(text, max(0, found.start() - _LONGEST_NAME), found.start())
        start = before.start() if before else found.start()
        name = text[start : found.end("name")]
        value = found["value"] or found["braced"] or found["quoted"] or ""
        if not is_secret_at(name, value) and found["name"].lower() != "signature":
            continue  # next_token
        if found["is"] == ":" and text[max(0, start - 1) : start] == ":":
            continue  # arn:aws:secretsmanager:eu-west-1:123456789012:secret:name
        yield from _named_value(found)


def _named_value(found: re.Match[str]) -> Iterator[Span]:
    start, end = found.span("value" if found["value"] else "braced" if found["braced"] else "quoted")
    if found["value"]:
        end = start + len(found["value"].rstrip(".:"))
    scheme = _SCHEME.match(found.string, start, end)
    start = scheme.end() if scheme else start
    yield from _secret(found.string, start, end)


def written_secrets(text: str) -> Iterator[Span]:
    """Find secrets that XML elements, parts of forms, options of commands, SQL, and pairs call so."""
    for field in _FIELD.finditer(text) if "form-data" in text.lower() else ():
        value = _FIELD_VALUE.match(text, field.end())
        if value is not None and is_secret_at(field["name"], value[0]):
            yield from _secret(text, *value.span())
    for found in elements(text) if "</" in text or "<![" in text else ():
        if is_secret_at(found["name"], found["value"] or found["cdata"] or ""):
            yield from _secret(text, *found.span("value" if found["value"] else "cdata"))
    for pair in _PAIR.finditer(text):
        if is_secret_at(pair["name"] or pair["name2"], pair["value"]) and not is_a_name(pair["value"]):
            yield from _secret(text, *pair.span("value"))
    if "'" in text:
        for sql in _SQL.finditer(text):
            yield from _secret(text, *sql.span("value"))
    if "-" in text:
        yield from _on_a_command_line(text)


def _on_a_command_line(text: str) -> Iterator[Span]:
    for option in _OPTION.finditer(text):
        if is_secret_at(option["name"], option["value"] or "") and not (
            option["value"] and _PLAIN_WORD.fullmatch(option["value"])
        ):
            yield from _secret(text, *option.span("value" if option["value"] else "quoted"))
    for user in _USER.finditer(text):
        if not user["value"].isdecimal():
            yield from _secret(text, *user.span("value"))


def elements(text: str) -> Iterator[re.Match[str]]:
    """Find XML elements that hold a text: `name`, and `value` or `cdata`."""
    return _ELEMENT.finditer(text)


def _secret(text: str, start: int, end: int) -> Iterator[Span]:
    value = text[start:end]
    start, end = start + len(value) - len(value.lstrip()), start + len(value.rstrip())
    if start < end and not _NOT_SECRET.fullmatch(text, start, end):
        yield Span(start, end, "named-secret")
