"""What a function keeps from one invocation to the next: values frozen at import, and state that grows."""

from collections.abc import Iterator, Mapping

from replay.errors import InvalidJson
from replay.outcomes.outcome import Outcome
from replay.payloads.exact_json import Json, parse

_NOTHING = object()
_LEAVES_AT_MOST = 20_000
_TOLD_AT_MOST = 3


def frozen_values(cold: Outcome, warm: Outcome, cold_again: Outcome) -> list[str]:
    """
    List where in answer and effects a value may be that was made when the function was imported.

    Such a value (a time, a uuid, a variable of the environment) stays the same for as long as the process lives, and is
    another one after a cold start: *cold* and *warm* are two invocations of one process, *cold_again* is one of
    another.
    """
    first, second, other = _leaves(cold), _leaves(warm), _leaves(cold_again)
    return [place for place, value in first.items() if _at(second, place) == value != _at(other, place)]


def is_kept(place: str, earlier: Outcome, later: Outcome) -> bool:
    """Say whether the value at *place* is the same in two invocations of one process."""
    return _at(_leaves(earlier), place) == _at(_leaves(later), place)


def grown_values(cold: Outcome, warm: Outcome, cold_again: Outcome) -> list[str]:
    """
    List where a warm invocation differs from what cold starts agree on: something was kept from the one before.

    A list, a cache or a counter in a module is; so is a client whose connection was closed.
    """
    first, second, other = _leaves(cold), _leaves(warm), _leaves(cold_again)
    places = dict.fromkeys([*first, *second])
    return [place for place in places if _at(first, place) == _at(other, place) != _at(second, place)]


def frozen_note(places: list[str]) -> str:
    """Put *places* of frozen values into words."""
    return f"frozen at import: {_listed(places)}: the same in every invocation of a process, another after a cold start"


def grown_note(places: list[str]) -> str:
    """Put *places* of kept values into words."""
    return f"kept between invocations: {_listed(places)}: a warm function does other than after a cold start"


def _listed(places: list[str]) -> str:
    shown = ", ".join(places[:_TOLD_AT_MOST])
    return f"{shown} and {len(places) - _TOLD_AT_MOST} more" if len(places) > _TOLD_AT_MOST else shown


def _at(leaves: Mapping[str, object], place: str) -> object:
    return leaves.get(place, _NOTHING)


def _leaves(outcome: Outcome) -> dict[str, object]:
    """Give every single value of an outcome by a name for it that a user finds again."""
    leaves: dict[str, object] = {
        "the status": outcome.status,
        "the failure": outcome.signature,
        "the dispositions": tuple(outcome.dispositions),
    }
    for number, invocation in enumerate(outcome.report.invocations):
        answer = invocation.reply.payload
        if answer is not None:
            leaves.update(_values(f"the answer{_ordinal(number)}", _parsed(answer)))
    seen: dict[str, int] = {}
    for call in outcome.effects:
        number = seen[call.name] = seen.get(call.name, -1) + 1
        name = f"{call.name}{_ordinal(number)}"
        leaves[name] = call.error
        leaves.update(_values(name, dict(call.parameters)))
    return leaves


def _ordinal(number: int) -> str:
    return f" ({number + 1})" if number else ""


def _parsed(text: str) -> Json:
    try:
        return parse(text)
    except InvalidJson:
        return text


def _values(name: str, value: Json) -> Iterator[tuple[str, object]]:
    """Walk without recursion: a handler may answer with whatever depth it was sent."""
    waiting: list[tuple[str, Json]] = [(name, value)]
    for _ in range(_LEAVES_AT_MOST):
        if not waiting:
            return
        at, inside = waiting.pop()
        if isinstance(inside, dict):
            yield f"{at} (keys)", frozenset(inside)
            waiting += [(f"{at}{'.' if at != name else ' '}{key}", each) for key, each in inside.items()]
        elif isinstance(inside, list):
            waiting += [(f"{at}[{index}]", each) for index, each in enumerate(inside)]
        else:
            yield at, inside
