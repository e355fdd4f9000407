"""Handlers with one bug each, as real services have them, and the poison messages that meet it."""

import json
import re
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import NamedTuple

from hypothesis import strategies as st

# Hypothesis also draws words from the code that is loaded. What looks like a field's name (`customerId`, `customer_id`) is
# taken for one, by the rule that two missing fields are two bugs, so it is no data here.
_NAME = re.compile(r"[a-z][A-Z]|[A-Za-z]_[A-Za-z]|[A-Za-z]\.[A-Za-z]")
TEXT = st.text(max_size=30).filter(lambda text: not _NAME.search(text))
WORDS = st.text("abcdefghijklmnop", min_size=1, max_size=12)
NOT_A_NUMBER = TEXT.filter(lambda text: not text.strip().lstrip("+-").replace("_", "").isdigit())
JUNK = st.dictionaries(TEXT, st.none() | st.integers() | TEXT, max_size=4)

Status = Enum("Status", ["OPEN", "PAID"])


class Line(NamedTuple):
    """A line of an order."""

    sku: str
    count: int


class OrderError(Exception):
    """An error of the service's own."""


def missing_customer(body):
    return body["order"]["customer_id"]


def missing_address(body):
    return body["order"]["address"]


def key_in_a_loop(body):
    return [body["order"][name] for name in ("amount", "currency")]


def second_key_in_a_loop(body):
    return [dict(body["order"], amount=1)[name] for name in ("amount", "currency")]


def not_json(body):
    return json.loads(body["text"])


def not_an_int(body):
    return int(body["count"])


def not_a_float(body):
    return float(body["count"])


def not_a_date(body):
    return datetime.strptime(body["day"], "%Y-%m-%d")  # noqa: DTZ007 - as people write it


def not_an_iso_date(body):
    return datetime.fromisoformat(body["day"])


def not_a_status(body):
    return Status(body["status"])


def not_ascii(body):
    return body["name"].encode("ascii")


def null_nested(body):
    return body["customer"]["name"].strip()


def null_subscripted(body):
    return body["customer"]["name"]


def refused_with_f_string(body):
    raise OrderError(f"cannot ship {body['name']} to {body['place']!r}: unknown place")


def refused_with_percent(body):
    raise OrderError("order %s costs %.2f, which is too much" % (body["name"], body["cost"]))  # noqa: UP031 - the same


def refused_with_format(body):
    raise OrderError("order {} is in state {!r}".format(body["name"], body["place"]))  # noqa: EM103 - the same


def refused_as_key(body):
    raise KeyError(f"no such order: {body['name']}")


def refused_with_payload(body):
    message = f"bad order: {body}"
    raise OrderError(message)


def too_few_values(body):
    sku, count = body["line"]
    return Line(sku, count)


def too_precise(body):
    return Decimal(body["amount"]).quantize(Decimal("0.01"))


def not_in_list(body):
    return ["EUR", "USD"].index(body["currency"])


def not_comparable(body):
    return max(body["amounts"])


def too_deep(body):
    return _depth(body["tree"])


def _depth(tree):
    return 1 + max((_depth(branch) for branch in tree), default=0)


def deep_tree(depth):
    tree = []
    for _ in range(depth):
        tree = [tree]
    return tree


LONG_DIGITS = st.integers(26, 40).map(lambda digits: "9" * digits + ".99999")
BUGS = {
    missing_customer: st.fixed_dictionaries({"order": JUNK}),
    missing_address: st.fixed_dictionaries({"order": JUNK}),
    key_in_a_loop: st.fixed_dictionaries({"order": JUNK}),
    second_key_in_a_loop: st.fixed_dictionaries({"order": JUNK}),
    not_json: st.fixed_dictionaries(
        {"text": WORDS.filter(lambda word: word != "null") | st.sampled_from(["", "{", '{"a": 1} x', "[1,", "'a'"])}
    ),
    not_an_int: st.fixed_dictionaries({"count": NOT_A_NUMBER | WORDS}),
    not_a_float: st.fixed_dictionaries(
        {"count": WORDS.filter(lambda word: word not in {"inf", "nan", "infinity"}).map("x".__add__)}
    ),
    not_a_date: st.fixed_dictionaries({"day": WORDS | st.from_regex(r"\A\d\d/\d\d/\d{4}\Z")}),
    not_an_iso_date: st.fixed_dictionaries({"day": WORDS}),
    not_a_status: st.fixed_dictionaries({"status": WORDS | st.integers(9) | TEXT}),
    not_ascii: st.fixed_dictionaries({"name": st.text(st.characters(min_codepoint=0x80), min_size=1, max_size=9)}),
    null_nested: st.fixed_dictionaries({"customer": st.fixed_dictionaries({"name": st.none()}), "rest": JUNK}),
    null_subscripted: st.fixed_dictionaries({"customer": st.none(), "rest": JUNK}),
    refused_with_f_string: st.fixed_dictionaries({"name": TEXT | st.integers(), "place": WORDS | TEXT}),
    refused_with_percent: st.fixed_dictionaries({"name": TEXT, "cost": st.floats(allow_nan=False)}),
    refused_with_format: st.fixed_dictionaries({"name": TEXT, "place": WORDS | TEXT}),
    refused_as_key: st.fixed_dictionaries({"name": WORDS | st.emails() | st.uuids().map(str)}),
    refused_with_payload: st.fixed_dictionaries(
        {"name": TEXT, "cost": st.floats(), "lines": st.lists(JUNK, max_size=3)}
    ),
    too_few_values: st.fixed_dictionaries({"line": st.lists(TEXT, max_size=1)}),
    too_precise: st.fixed_dictionaries({"amount": LONG_DIGITS}),
    not_in_list: st.fixed_dictionaries({"currency": WORDS | TEXT}),
    not_comparable: st.fixed_dictionaries({"amounts": st.tuples(WORDS, st.integers()).map(list)}),
    too_deep: st.fixed_dictionaries({"tree": st.integers(1100, 1500).map(deep_tree)}),
}
