"""A stimulus told in a sentence: `REST proxy, handler returns {}`; `handler always raises, MaximumRetryAttempts 2`."""

import re
from typing import Any

from tests.truth.stimuli.words import is_json_value, json_value, split_clauses
from tests.truth.verdicts import Unreadable

_HANDLER = re.compile(r"(?:the )?(?:handler|function|lambda) (?P<does>.+)", re.IGNORECASE | re.DOTALL)
_RETURNS = re.compile(r"(?:always )?returns? (?P<value>.+?)(?: (?:without|with no) [\w ,]+)?", re.DOTALL)
_SETTING = re.compile(r"(?P<name>[A-Z]\w+)(?: is| of|:|=)? ?(?P<value>-?\d+|true|false)")
_CALLER = re.compile(r"REST(?: API)?(?: proxy)?|HTTP API(?: \(?[12]\.0\)?)?|function URL", re.IGNORECASE)


def read_prose(text: str) -> dict[str, Any]:
    """
    Read a sentence as the stimulus that it stands for.

    Raises:
        Unreadable: A clause of it has no words here.
    """
    stimulus: dict[str, Any] = {}
    for clause in split_clauses(text):
        if found := _HANDLER.fullmatch(clause):
            stimulus["handler"] = _handler(found["does"])
        elif _CALLER.fullmatch(clause):
            stimulus["caller"] = clause
        elif found := _SETTING.fullmatch(clause):
            stimulus[found["name"]] = json_value(found["value"])
        else:
            raise Unreadable(f"cannot read stimulus: {clause!r}")
    return stimulus


def _handler(does: str) -> dict[str, Any]:
    found = _RETURNS.fullmatch(does)
    if found and is_json_value(found["value"]):
        return {"returns": json_value(found["value"])}
    return {"does": does}
