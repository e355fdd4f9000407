"""What a target answers, with every original in it replaced by its stand-in again: nothing behind this knows one."""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from difflib import SequenceMatcher
from urllib.parse import quote

from replay.delivery.attempt import Reply
from replay.errors import InvalidJson, RedactionError, ReplayError
from replay.payloads.aws_calls import AwsCall
from replay.payloads.exact_json import string_value, tokens
from replay.payloads.failures import Failure
from replay.redaction.redactor import Redactor

_SHORTEST = 2
"""What is shorter is in every text, and tells nothing."""

_WORDS = re.compile(r"[^\W_]+|\W|_")
_BOUNDED = 4
"""Up to this length an original is looked for as a word of its own: `Al` is no part of `Also`."""

_DEEPEST = 8
_UNSAFE = "(left out: it could not be made safe to show)"


class Scrubber:
    """
    Replaces originals by their stand-ins, whatever the case and however they are escaped.

    Args:
        pairs: Originals and stand-ins as JSON tokens; what is inside of them (JSON, base64, words) counts too.
        redactor: What has the last word on free text: a handler may have made an e-mail address of a name.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]], redactor: Redactor) -> None:
        self._redactor = redactor
        known: dict[str, str] = {}
        for original, stand_in in pairs:
            for was, now in _pieces(_value(original), _value(stand_in)):
                for form in (_as_is, _escaped, _ascii, _quoted, _encoded):
                    known.setdefault(form(was).casefold(), form(now))
        self._known = known
        parts = [_pattern(each) for each in sorted(known, key=len, reverse=True)]
        self._found = re.compile("|".join(parts), re.IGNORECASE) if parts else None

    def text(self, text: str) -> str:
        """Replace what is known in *text*."""
        if self._found is None:
            return text
        return self._found.sub(lambda found: self._known.get(found[0].casefold(), "…"), text)

    def plain(self, text: str) -> str:
        """Do as `text`, and redact what is left."""
        try:
            return self._redactor.plain(self.text(text)) if text else text
        except RedactionError:
            return _UNSAFE

    def reply(self, reply: Reply) -> Reply:
        """Give *reply* as a target would have answered that was sent the stand-ins."""
        return replace(
            reply,
            payload=None if reply.payload is None else self.text(reply.payload),
            failure=self.failure(reply.failure) if reply.failure else None,
            log="\n".join(map(self.plain, reply.log.split("\n"))),
            effects=tuple(map(self._call, reply.effects)),
        )

    def failure(self, failure: Failure) -> Failure:
        """Do so with a failure."""
        return replace(
            failure,
            error_type=self.text(failure.error_type),
            message=self.text(failure.message),
            signature=None,
            stack=self.text(failure.stack),
            frames=tuple(replace(frame, code=self.text(frame.code)) for frame in failure.frames),
            log_lines=tuple(map(self.plain, failure.log_lines)),
        )

    def error(self, error: ReplayError) -> ReplayError:
        """Give *error* itself, with none of them in its words."""
        error.what, error.where = self.text(error.what), self.text(error.where)
        error.expected, error.hint = self.text(error.expected), self.text(error.hint)
        error.args = (error.what,)
        return error

    def _call(self, call: AwsCall) -> AwsCall:
        try:
            parameters = json.loads(self.text(json.dumps(dict(call.parameters))))
            result = None if call.result is None else json.loads(self.text(json.dumps(dict(call.result))))
        except (ValueError, TypeError, RecursionError):
            parameters, result = {"replay": _UNSAFE}, None
        error = call.error and replace(call.error, message=self.text(call.error.message))
        return replace(call, parameters=parameters, result=result, error=error)


def _value(token: str) -> str:
    return string_value(token) if token[:1] == '"' else token


def _pieces(original: str, stand_in: str) -> Iterator[tuple[str, str]]:
    """Give a value and its stand-in, and what inside of them was replaced: members of JSON, words of a text."""
    todo = [(original, stand_in, 0)]
    while todo:
        was, now, depth = todo.pop()
        if was == now or len(was) < _SHORTEST:
            continue
        yield was, now
        inner = list(_inside(was, now)) if depth < _DEEPEST else []
        todo += [(one, other, depth + 1) for one, other in inner]


def _inside(was: str, now: str) -> Iterator[tuple[str, str]]:
    try:
        ones, others = list(tokens(was)), list(tokens(now))
    except InvalidJson:
        pass
    else:
        if len(ones) == len(others) > 1 or was[:1] in {"{", "["}:
            for one, other in zip(ones, others, strict=False):
                yield _value(was[one.start : one.end]), _value(now[other.start : other.end])
            return
    opened, opened_now = _decoded(was), _decoded(now)
    if opened is not None and opened_now is not None:
        yield opened, opened_now
        return
    words, others_ = _WORDS.findall(was), _WORDS.findall(now)
    if len(words) == 1:
        return
    for kind, a, b, c, d in SequenceMatcher(None, words, others_, autojunk=False).get_opcodes():
        if kind in {"replace", "delete"}:
            yield "".join(words[a:b]).strip(), "".join(others_[c:d]).strip() or "…"
            if b - a == d - c:
                yield from ((x, y) for x, y in zip(words[a:b], others_[c:d], strict=True) if x.isalnum())
            else:
                yield from ((x, "…") for x in words[a:b] if x.isalnum())


def _decoded(text: str) -> str | None:
    try:
        found = base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return found if found.isprintable() and len(found) > _BOUNDED else None


def _pattern(known: str) -> str:
    escaped = re.escape(known)
    bounded = len(known) <= _BOUNDED or known.isdecimal()
    return rf"(?<![^\W_]){escaped}(?![^\W_])" if bounded else escaped


def _as_is(text: str) -> str:
    return text


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _ascii(text: str) -> str:
    return json.dumps(text)[1:-1]


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")
