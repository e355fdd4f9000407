"""Values made coarse enough to be nobody's: a date becomes its month, a number its first digits."""

import re
from datetime import UTC, datetime

_YEAR_FIRST = re.compile(
    r"(?P<keep>\d{4}([-/.])\d{1,2}\2)(?P<day>\d{1,2})"
    r"(?P<time>(?:[T ]\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?)?)(?P<zone>\s?(?:Z|[+-]\d\d:?\d\d|UTC)?)"
)
_DAY_FIRST = re.compile(r"(?P<day>\d{1,2})(?P<keep>\.\d{1,2}\.\d{4})")
_AMBIGUOUS = re.compile(r"\d{1,2}([/-])\d{1,2}\1(?P<year>\d{4})")
_COMPACT = re.compile(r"(?P<keep>(?:19|20)\d\d(?:0[1-9]|1[0-2]))(?:0[1-9]|[12]\d|3[01])")
_IN_WORDS = re.compile(r"(?=.*[^\W\d_]{3})(?:.*\D)?\d{4}\D*")
_DAY_IN_WORDS = re.compile(r"(?<!\d)\d{1,2}(?!\d)")
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_DIGIT = re.compile(r"\d")
_EPOCHS = {10: 1, 13: 1_000}
_FIRST_YEAR, _LAST_YEAR = 1990, 2100
_LONGEST = 64


def generalised(value: str) -> str | None:
    """
    Give a date as the first of its month without a time, a number with the first half of its digits; None of a text.

    A date of which day and month cannot be told apart becomes the first of January of its year.
    """
    if len(value) > _LONGEST:
        return None
    if _NUMBER.fullmatch(value) and not _COMPACT.fullmatch(value):
        return generalised_number(value)
    return _month(value)


def _month(value: str) -> str | None:
    made = None
    if found := _YEAR_FIRST.fullmatch(value):
        made = found["keep"] + _first(found["day"]) + _DIGIT.sub("0", found["time"]) + found["zone"]
    elif found := _DAY_FIRST.fullmatch(value):
        made = _first(found["day"]) + found["keep"]
    elif found := _AMBIGUOUS.fullmatch(value):
        made = re.sub(r"\d+", lambda digits: _first(digits[0]), value[: found.start("year")]) + found["year"]
    elif found := _COMPACT.fullmatch(value):
        made = found["keep"] + "01"
    elif _IN_WORDS.fullmatch(value):
        made = _DAY_IN_WORDS.sub(lambda day: _first(day[0]), value)
    return made


def generalised_number(value: str) -> str:
    """Give a number, of which the second half of the digits is 0; a time in seconds or milliseconds as its month."""
    whole, point, fraction = value.partition("." if "." in value else ",")
    if not fraction and len(value) in _EPOCHS and value.isdecimal():
        per_second = _EPOCHS[len(value)]
        moment = datetime.fromtimestamp(int(value) // per_second, UTC)
        if _FIRST_YEAR <= moment.year < _LAST_YEAR:
            month = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            return str(int(month.timestamp()) * per_second)
    digits = whole.lstrip("-")
    kept = len(digits) // 2
    coarse = digits[:kept] + "0" * (len(digits) - kept)
    return whole[: len(whole) - len(digits)] + coarse + point + "0" * len(fraction)


def _first(digits: str) -> str:
    """Give 1, as wide as *digits*."""
    return "1".zfill(len(digits))
