"""Secrets that a sentence tells, or a program is told without their name: `the password is …`, `mysql -p…`."""

import re
from collections.abc import Iterator

from replay.redaction.spans import Span

TOLD_HINTS = (
    "pass", "pwd", "secret", "token", "key", "pin", "otp", "verification", "one-time", "onetime", "mfa", "2fa",
    "mysql", "mariadb", "mongo", "redis-cli",
)  # fmt: skip

_SHORTEST, _SHORTEST_QUOTED = 6, 4
_KINDS_OF_CHARACTERS = 3
_NAME = r"(?:pass(?:word|wd|phrase|code)|pwd|secret|token|api[ -]?key|access[ -]?key)"
_IS = r"(?:is|was|becomes|(?:set|changed|reset)\s{1,4}to)(?:\s{1,4}now)?\s{0,4}:?\s{1,4}"
_TOLD = re.compile(
    rf"""(?<![a-z]){_NAME}\s{{1,4}}(?:(?:for|of)\s{{1,4}}\S{{1,128}}+\s{{1,4}}(?:\S{{1,128}}+\s{{1,4}})?)?{_IS}
    (?:(?P<quote>["'`])(?P<quoted>[^\s"'`]{{{_SHORTEST_QUOTED},128}}+)(?P=quote)|(?P<value>[^\s"'`<>]{{{_SHORTEST},128}}+))""",
    re.VERBOSE | re.IGNORECASE,
)
# As `.netrc` has it, and log lines in a hurry.
_BARE = re.compile(
    rf"(?<![a-z])(?:password|passwd|passphrase|pwd)[ \t]{{1,4}}(?P<value>[^\s\"'`<>]{{{_SHORTEST},128}}+)",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"""(?<![a-z])(?:(?:verification|one-?time|mfa|2fa)[ -](?:code|pin|pass(?:code|word))|otp|pin)
    (?:\s{1,4}(?:is|was))?\s{0,4}[:=]?\s{1,4}(?P<value>\d{4,8}+)(?![\w.])""",
    re.VERBOSE | re.IGNORECASE,
)
_PROGRAM = re.compile(
    r"""(?<![\w-])(?:
      (?:mysql|mariadb)[\w-]{0,16}+(?:\s[^\r\n|;&]{0,256}?)??\s-p
      |sshpass\s{1,4}-p\s{0,4}
      |mongo\w{0,16}+(?:\s[^\r\n|;&]{0,256}?)??\s-p\s{1,4}
      |redis-cli(?:\s[^\r\n|;&]{0,256}?)??\s-a\s{1,4}
    )(?:"(?P<double>[^"\r\n]{1,128}+)"|'(?P<single>[^'\r\n]{1,128}+)'|(?P<value>[^\s"']{1,128}+))""",
    re.VERBOSE | re.IGNORECASE,
)
_KINDS = tuple(map(re.compile, (r"[a-z]", r"[A-Z]", r"\d", r"[^\w\s./:,;-]")))
_LETTER_AND_DIGIT = re.compile(r"(?=.*\d)(?=.*[A-Za-z]).+")


def told_secrets(text: str) -> Iterator[Span]:
    """
    Find passwords, tokens and one-time codes that a sentence tells, and the passwords of `mysql -p` and its like.

    A word behind "password is" is most often no password (`required`, `SHA-256`): what has no quotes must have three
    of small letters, capitals, digits, and marks.
    """
    for found in _TOLD.finditer(text):
        if found["quoted"] and _LETTER_AND_DIGIT.fullmatch(found["quoted"]):
            yield _span(*found.span("quoted"))
        elif found["value"]:
            yield from _mixed(found)
    for found in _BARE.finditer(text):
        yield from _mixed(found)
    for found in _CODE.finditer(text):
        yield _span(*found.span("value"))
    if " -p" in text or " -a " in text:
        for found in _PROGRAM.finditer(text):
            yield _span(*found.span(found.lastgroup or 0))


def _mixed(found: re.Match[str]) -> Iterator[Span]:
    value = found["value"].rstrip(".,;:!?)")
    if len(value) >= _SHORTEST and sum(kind.search(value) is not None for kind in _KINDS) >= _KINDS_OF_CHARACTERS:
        yield _span(found.start("value"), found.start("value") + len(value))


def _span(start: int, end: int) -> Span:
    return Span(start, end, "named-secret")
