"""Values of forms and query strings that are percent-encoded: opened, and closed as they were."""

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from replay.payloads.exact_json import Edit

_PAIR = re.compile(r"(?<![^\s?&;\"'])[\w.%\[\]+~-]{1,128}+=([^\s&;\"'<>#]++)", re.ASCII)
_RUN = re.compile(r"(?:%[0-9A-Fa-f][0-9A-Fa-f])++|[^%]")


class EncodedValue(NamedTuple):
    """The value of one pair: `text` is what it stands for, `starts` where its characters begin in the text around."""

    text: str
    starts: list[int]
    raw: str

    def encoded(self, edit: Edit) -> Edit:
        """Turn an edit of the value into one of the text around it, encoded as the value is."""
        is_form = "+" in self.raw and "%20" not in self.raw
        safe = "".join(
            {char for char in self.raw if char != "%" and not char.isalnum()} - ({"+"} if is_form else set())
        )
        made = quote(edit.replacement, safe=safe, errors="surrogatepass")
        if "~" not in self.raw and "%7e" in self.raw.lower():
            made = made.replace("~", "%7E")
        if any(unit.islower() for unit in re.findall(r"%..", self.raw)):
            made = re.sub(r"%..", lambda unit: unit[0].lower(), made)
        if is_form:
            made = made.replace("%20", "+")
        return Edit(self.starts[edit.start], self.starts[edit.end], made)


def encoded_values(text: str) -> Iterator[EncodedValue]:
    """Find the values of pairs, `name=value`, that are percent-encoded UTF-8, or have plus signs for spaces."""
    if "=" not in text or not ("%" in text or ("+" in text and ("&" in text or "?" in text))):
        return
    for pair in _PAIR.finditer(text):
        if "%" in pair[1] or "+" in pair[1]:
            opened = _opened(pair[1], pair.start(1))
            if opened is not None:
                yield opened


def _opened(raw: str, start: int) -> EncodedValue | None:
    is_form = "%20" not in raw
    characters: list[str] = []
    starts: list[int] = []
    for run in _RUN.finditer(raw):
        if run[0][0] != "%":
            characters.append(" " if run[0] == "+" and is_form else run[0])
            starts.append(start + run.start())
            continue
        try:
            decoded = unquote_to_bytes(run[0]).decode()
        except UnicodeDecodeError:
            return None
        at = start + run.start()
        for char in decoded:
            characters.append(char)
            starts.append(at)
            at += 3 * len(char.encode())
    text = "".join(characters)
    if "%" in raw and sum(map(len, _RUN.findall(raw))) != len(raw):
        return None  # a % that begins nothing
    return EncodedValue(text, [*starts, start + len(raw)], raw)
