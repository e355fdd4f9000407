"""
A message without the data that happened to be in it.

What a payload puts into a message (ids, amounts, times, addresses) differs from one poison message to the next; the
words, and the names of keys, attributes and arguments, are those of the bug.
"""

import re
from collections.abc import Callable
from functools import cache

MESSAGE_LIMIT = 200
_READ_LIMIT = 2048

_PARTS = r"""
      (?<!\w)b?"(?P<double>(?:[^"\\]|\\.|"(?=\w))*)"(?!\w)
    | (?<!\w)b?'(?P<single>(?:[^'\\]|\\.|'(?=\w))*)'(?!\w)
    | (?<!\w)`(?P<back>[^`]*)`
    | (?P<url>\b[a-z][a-z0-9+.-]*://[^\s'"<>)\]}]+)
    | (?P<arn>\barn:aws[\w-]*:[^\s'",)\]}]+)
    | (?P<email>[\w.!\#$%&*+/?^|~-]+@[\w-]+(?:\.[\w-]+)+)
    | (?P<uuid>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b)
    | (?P<time>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?\b
        | \b\d\d:\d\d(?::\d\d(?:\.\d+)?)?\b)
    | (?P<hex>\b0x[0-9a-fA-F]+\b)
    | (?P<path>(?<![\w<.])(?:/[\w.@%+-]+){2,}/?)
    | (?P<term>\b(?:s3|ec2|route53|base64|md5|sha\d+|utf[-_]?\d+|latin[-_]?1|u?int\d+|float\d+|ipv[46]|oauth2|x509)
        (?::\w+)?\b)
    | (?P<n>(?<![\w.])[-+]?(?:(?>\d+(?:[.,]\d+)*(?:e[-+]?\d+)?%?)(?!\w|[-+/][^\W\d]|=)|(?:nan|inf)\b))
    | (?P<token>(?<![\w])(?=[^\s\d]*\d)[A-Za-z0-9+/_-]{20,}={0,2})
    | (?P<id>(?<!\w)(?=[\w.-]*\d)(?=[\w.-]*[^\W\d_])\w+(?:[-.]\w+)*)
    """
_NAME = re.compile(r"(?!.*//)[A-Za-z_#$@:][A-Za-z_.:#$/-]{0,40}\d{0,2}")
_KEY = re.compile(r"(?!.*//)[A-Za-z_#$@:][A-Za-z_.:#$/ -]{0,40}\d{0,2}")
_CODE = re.compile(r"[\w.<>\[\]| -]{1,80}")
_QUOTED_CODE = {"AttributeError", "NameError", "UnboundLocalError", "ImportError", "ModuleNotFoundError", "TypeError"}

_SUGGESTION = re.compile(
    r"[.;]? \(?did you (?:mean:? |forget to import )[^?]*\?\)?|\(consider [^)]*\)", re.DOTALL | re.IGNORECASE
)
_REPEATED = re.compile(r"(<\w+>)(?:, ?\1)+")
_KEPT_IN_BRACKETS = re.compile(r"Errno <n>|<class '[\w.]+'>|[A-Za-z ]+")

_FIXED: dict[str, list[tuple[str, str]]] = {
    # The same text fails in many ways at the same line; which one depends on the data, and on Python's version.
    "JSONDecodeError": [(r".*", "not JSON")],
    "SyntaxError": [(r".*\bJSON\b.*", "not JSON")],
    "RecursionError": [(r"maximum recursion depth exceeded.*", "maximum recursion depth exceeded")],
    "UnicodeEncodeError": [(r"('[\w-]+' codec can't encode) .*", r"\1")],
    "UnicodeDecodeError": [(r"('[\w-]+' codec can't decode) .*", r"\1")],
    "ValueError": [
        (
            r"(invalid literal for int\(\) with base \d+|could not convert string to float): .*",
            r"\1",
        ),
        (r"(Invalid isoformat string|unconverted data remains): .*", r"\1"),
        (r"time data .* (does not match format) '(.*)'", r"time data \1 \2"),
        (r".* is not a valid (\w+)", r"not a valid \1"),
        (r".*( is)? not in (list|deque|tuple)", r"not in \2"),
        (r"((?:not enough|too many) values to unpack) \(expected (?:at least )?\d+(?:, got \d+)?\)", r"\1"),
    ],
    "TypeError": [
        (r"(?:[\w<>]+\.)+(\w+\(\) .*)", r"\1"),  # the class came into the name with Python 3.10
        (r"(string indices must be integers)(?:, not .*)?", r"\1"),  # and the type with 3.11
    ],
    "UnboundLocalError": [
        (
            r"local variable ('\w+') referenced before assignment",  # before Python 3.11
            r"cannot access local variable \1 where it is not associated with a value",
        )
    ],
    "Sandbox.Timedout": [(r".*Task timed out after .*", "Task timed out")],
    "Runtime.ExitError": [(r"RequestId: \S+ Error: (.*)", r"\1")],
}
_WRITTEN_BY_US = {"JSONDecodeError", "RecursionError", "UnicodeEncodeError", "UnicodeDecodeError", "Sandbox.Timedout"}


def message_pattern(error_type: str, message: str) -> str:
    """
    Normalise *message*: what is data becomes `<n>`, `<uuid>`, `<value>` and the like, at most 200 characters remain.

    Quoted words stay where they are names, not values: letters, with at most two digits at the end.
    """
    text = _without_tracebacks(message[:_READ_LIMIT])
    text = _SUGGESTION.sub("", text)
    for pattern, replacement in _fixed(error_type) if error_type in _FIXED else ():
        text, found = pattern.subn(replacement, text, count=1)
        if found and error_type in _WRITTEN_BY_US:
            return text
    names = _CODE if error_type in _QUOTED_CODE else _KEY if error_type == "KeyError" else _NAME
    text = _parts().sub(_replacer(names), text)
    text = _collapse(_collapse(text, "{", "}"), "[", "]")
    text = " ".join(_REPEATED.sub(r"\1", text).split())
    return text[:MESSAGE_LIMIT]


@cache
def _parts() -> re.Pattern[str]:
    """Compile it when the first failure is looked at: who has none need not wait for it."""
    return re.compile(_PARTS, re.VERBOSE | re.DOTALL | re.IGNORECASE)


@cache
def _fixed(error_type: str) -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(pattern, re.DOTALL), words) for pattern, words in _FIXED[error_type]]


def _replacer(names: re.Pattern[str]) -> Callable[[re.Match[str]], str]:
    def replace(found: re.Match[str]) -> str:
        what = found.lastgroup
        if what == "term":
            return found[0]
        if what in {"single", "double", "back"}:
            inside = found[what]
            return f"'{inside}'" if names.fullmatch(inside) else "<value>"
        return f"<{what}>"

    return replace


def _without_tracebacks(message: str) -> str:
    """Keep of tracebacks inside a message (Powertools' batch errors hold some) only what each ends with."""
    if "Traceback (most recent call last):" not in message:
        return message
    head, *traces = message.split("Traceback (most recent call last):")
    kept = [head]
    for trace in traces:
        rows = [row for row in trace.splitlines() if row.strip() and not row[0].isspace()]
        if rows and rows[0] not in kept:
            kept.append(rows[0])
    return "\n".join(kept)


def _collapse(text: str, opener: str, closer: str) -> str:
    """Replace each outermost bracketed part by `<value>`; an open end goes to the end of the text."""
    pieces: list[str] = []
    at = 0
    while (start := text.find(opener, at)) >= 0:
        end, depth = start, 0
        while end < len(text):
            depth += (text[end] == opener) - (text[end] == closer)
            end += 1
            if depth == 0:
                break
        inside = text[start + 1 : end - 1]
        pieces += (text[at:start], text[start:end] if _KEPT_IN_BRACKETS.fullmatch(inside) else "<value>")
        at = end
    return "".join((*pieces, text[at:]))
