"""What differs between what two targets showed of one fixture. Pure."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from replay.comparison.answers import Answer, was_opened
from replay.comparison.seen import Call, Seen

Aspect = Literal["status", "error", "response", "effects"]
Kind = Literal["same", "differs", "not_compared"]

MOST_PLACES = 20
"""How many places of one answer are named; beyond, they are counted."""

NOTHING = "none"
_HIDDEN = "another one, in what redaction hides"
_TOO_LARGE = "another one, not to be shown: large, or not safe"
_NOT_KEPT = "another one: the ledger has digests only"
_ONE = "one answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that differs: what, `where` in it (a JSONPath, a call), and what it is on either side, in words."""

    aspect: Aspect
    where: str = ""
    baseline: str = ""
    other: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """
    Two looks at one fixture.

    `kind` is `not_compared` where either side was not observed or could not run: that is never equal. `left_out` says
    why something that was seen of one side was not compared.
    """

    kind: Kind
    differences: tuple[Difference, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)


def compare(baseline: Seen, other: Seen, *, names: tuple[str, str]) -> Compared:
    """
    Say what differs: status and dispositions, error, response, effects; how long it took never counts.

    What only one of them tells is left out, and said.

    Args:
        names: Of the two targets.
    """
    problems = [f"{name}: {seen.problem}" for name, seen in zip(names, (baseline, other), strict=True) if seen.problem]
    if problems:
        return Compared(kind="not_compared", left_out={"all": "; ".join(problems)})
    left_out: dict[str, str] = {}
    found = [*_status(baseline, other), *_error(baseline, other)]
    untold = [name for name, seen in zip(names, (baseline, other), strict=True) if seen.answered == "not told"]
    if untold:
        left_out["response"] = f"{' and '.join(untold)} {_tell(untold)} it"
    else:
        found += _response(baseline, other)
    untold = [name for name, seen in zip(names, (baseline, other), strict=True) if seen.effects is None]
    if baseline.effects is None or other.effects is None:
        left_out["effects"] = f"{' and '.join(untold)} {_tell(untold)} them"
    else:
        found += _effects(baseline.effects, other.effects)
    return Compared(kind="differs" if found else "same", differences=tuple(found), left_out=left_out)


def _tell(names: Sequence[str]) -> str:
    return "does not tell" if len(names) == 1 else "do not tell"


def _status(baseline: Seen, other: Seen) -> Iterator[Difference]:
    if (baseline.status, baseline.dispositions) == (other.status, other.dispositions):
        return
    same = baseline.status == other.status
    yield Difference(aspect="status", baseline=_state(baseline, with_all=same), other=_state(other, with_all=same))


def _state(seen: Seen, *, with_all: bool) -> str:
    kinds = seen.dispositions if with_all else tuple(dict.fromkeys(seen.dispositions))
    return f"{seen.status} [{', '.join(kinds)}]" if kinds else seen.status


def _error(baseline: Seen, other: Seen) -> Iterator[Difference]:
    one, two = baseline.error, other.error
    if one is None and two is None:
        return
    if one is None or two is None or one.known != two.known:
        yield Difference(aspect="error", baseline=one.words if one else NOTHING, other=two.words if two else NOTHING)
    elif one.with_frames and two.with_frames and one.with_frames != two.with_frames:
        yield Difference(aspect="error", baseline=one.words, other=f"{two.words}, from other code")


def _response(baseline: Seen, other: Seen) -> Iterator[Difference]:
    one, two = baseline.answer, other.answer
    if one is None or two is None:
        if one is not two:
            yield Difference(aspect="response", baseline=_whole(one), other=_whole(two))
        return
    if one.digest != two.digest:
        yield from _places("response", one, two, ledger=baseline.from_ledger or other.from_ledger)


def _whole(answer: Answer | None) -> str:
    if answer is None:
        return NOTHING
    return "an answer" if answer.shown is None else words(answer.shown)


def _places(aspect: Aspect, one: Answer, two: Answer, *, ledger: bool) -> Iterator[Difference]:
    if ledger:
        yield Difference(aspect=aspect, baseline=_ONE, other=_NOT_KEPT)
        return
    if one.shown is None and two.shown is None:
        yield Difference(aspect=aspect, baseline=_ONE, other=_TOO_LARGE)
        return
    found = list(_different(one.shown, two.shown))
    if not found:
        yield Difference(aspect=aspect, baseline=_ONE, other=_HIDDEN)
    for place, left, right in found[:MOST_PLACES]:
        yield Difference(aspect=aspect, where=place, baseline=left, other=right)
    if len(found) > MOST_PLACES:
        yield Difference(aspect=aspect, where="…", other=f"and {len(found) - MOST_PLACES} more places")


def _different(one: Any, two: Any) -> Iterator[tuple[str, str, str]]:
    """Give the innermost places at which two values differ, in order, with both in words."""
    todo: list[tuple[str, Any, Any]] = [("$", one, two)]
    while todo:
        place, left, right = todo.pop()
        if was_opened(left) != was_opened(right):
            yield place, f"{words(left)}{_in_string(left)}", f"{words(right)}{_in_string(right)}"
        elif isinstance(left, dict) and isinstance(right, dict):
            keys = dict.fromkeys((*left, *right))
            inside = [(f"{place}{_step(key)}", left.get(key, _ABSENT), right.get(key, _ABSENT)) for key in keys]
            todo += reversed(inside)
        elif isinstance(left, list) and isinstance(right, list):
            if len(left) != len(right):
                yield place, f"{len(left)} items", f"{len(right)} items"
            pairs = enumerate(zip(left, right, strict=False))
            todo += reversed([(f"{place}[{index}]", *pair) for index, pair in pairs])
        elif _key(left) != _key(right):
            yield place, words(left), words(right)


class _Absent:
    """Stands for a member that is not there."""


_ABSENT = _Absent()


def _key(value: Any) -> tuple[str, str]:
    """Tell true from 1, and NaN from nothing else; 12 and 12.0 are the same number."""
    kind = "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
    return kind, repr(value)


def _step(key: str) -> str:
    return f".{key}" if key.isidentifier() else f"[{json.dumps(key)}]"


def _in_string(value: Any) -> str:
    return " (in a string)" if was_opened(value) else ""


def words(value: Any) -> str:
    """Write a value for eyes."""
    if value is _ABSENT:
        return NOTHING
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return "…"


def _effects(baseline: Sequence[Call], other: Sequence[Call]) -> Iterator[Difference]:
    """Tell what one made and the other did not; their order does not count, for threads have none."""
    ones, twos = Counter(map(_call_key, baseline)), Counter(map(_call_key, other))
    missing, more = list((ones - twos).elements()), list((twos - ones).elements())
    calls = {_call_key(call): call for call in (*baseline, *other)}
    unpaired: list[Call] = []
    for key in missing:
        call = calls[key]
        partner = next((each for each in more if each[0] == call.name), None)
        if partner is None:
            unpaired.append(call)
            continue
        more.remove(partner)
        yield from _call_difference(call, calls[partner])
    for call in unpaired:
        yield Difference(aspect="effects", where=call.name, baseline="called", other=NOTHING)
    for key in more:
        yield Difference(aspect="effects", where=key[0], baseline=NOTHING, other="called")


def _call_key(call: Call) -> tuple[str, str, str]:
    return call.name, call.error, call.parameters.digest


def _call_difference(one: Call, two: Call) -> Iterator[Difference]:
    if one.error != two.error:
        yield Difference(
            aspect="effects", where=one.name, baseline=one.error or "succeeded", other=two.error or "succeeded"
        )
    if one.parameters.digest != two.parameters.digest:
        for each in _places("effects", one.parameters, two.parameters, ledger=False):
            where = f"{one.name} {each.where}".strip()
            yield Difference(aspect="effects", where=where, baseline=each.baseline, other=each.other)
