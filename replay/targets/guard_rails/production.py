"""What looks like production, by the words that people write into names, tags and account aliases."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[:/]")
"""With what parts names from each other: the function `orders-pre` with the alias `prod` is production."""

_NEGATIONS = {"non", "not", "no", "pre"}
_NO = {"", "0", "false", "n", "no", "none"}
_LONGEST = 1_000


def production_signs(names: Mapping[str, str], tags: Mapping[str, str], *, patterns: Sequence[str]) -> list[str]:
    """
    Say what of these looks like production, one phrase each.

    Args:
        names: What each name is the name of (`account alias`), and the name.
        patterns: Globs over one word, whatever the case: `prod` finds `orders-prod`, `OrdersProd` and `prod2`, and
            neither `product` nor `non-prod`; a glob with `-` or `_` in it is compared with the whole name.
    """
    found = [f"{what} {name!r}" for what, name in names.items() if _matches(name, patterns)]
    for key, value in tags.items():
        if _matches(value, patterns) or (value.strip().lower() not in _NO and _matches(key, patterns)):
            found.append(f"tag {key}={value!r}")
    return found


def _matches(text: str, patterns: Iterable[str]) -> bool:
    wanted = [pattern.lower() for pattern in patterns]
    candidates = [text.lower(), *_asserted_words(text[:_LONGEST])]
    return any(fnmatchcase(each, pattern) for each in candidates for pattern in wanted)


def _asserted_words(text: str) -> Iterator[str]:
    """Give the words of a name, without those that a word before them denies."""
    before = ""
    for word in map(str.lower, _WORDS.findall(text)):
        if before not in _NEGATIONS:
            yield word
        before = word
