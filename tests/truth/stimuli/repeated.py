"""Stimuli that are several: one behind the other, or one with several values of a setting; and what is expected of each."""

import re
from collections.abc import Mapping
from typing import Any

_SEVERAL = re.compile(r"\d+(?:(?:, | then |, then | and |, and )\d+)+")

_OF_EACH_RUN = frozenset({"attempts", "invocations", "approximateInvokeCount", "condition", "destination"})


def stimuli_of(stimulus: Any) -> list[Any]:
    """Give a stimulus for each run; most often there is but one."""
    if isinstance(stimulus, list):
        return stimulus
    config = stimulus.get("config") if isinstance(stimulus, dict) else None
    told = {name: _values(value) for name, value in config.items()} if isinstance(config, dict) else {}
    count = max((len(values) for values in told.values() if values), default=0)
    if count == 0:
        return [stimulus]
    settings = [
        {
            name: values[place] if (values := told[name]) and place < len(values) else value
            for name, value in config.items()
        }
        for place in range(count)
    ]
    return [{**stimulus, "config": each} for each in settings]


def _values(value: Any) -> list[Any] | None:
    """List the values of a setting that has several: `[60, 90]`, or in words `60, then 90`."""
    if isinstance(value, list) and value and all(isinstance(each, int | float) for each in value):
        return value
    if isinstance(value, str) and _SEVERAL.fullmatch(value):
        return [int(each) for each in re.findall(r"\d+", value)]
    return None


def expected_of(expect: Any, place: int, count: int, recording: Mapping[str, Any]) -> Any:
    """
    Give what is expected of the run at *place* of *count*.

    The parts of an expectation may be named as those of the recording are, in the order of the runs; a list with a value
    for each run is one of values, where its name is none of a list.
    """
    if isinstance(expect, list) and len(expect) == count:
        return expect[place]
    if not isinstance(expect, dict) or count < 2:
        return expect
    named = [value for name, value in expect.items() if name in recording and isinstance(value, dict)]
    if len(named) == count:
        beside = {name: value for name, value in expect.items() if name not in recording}
        return {**beside, **named[place]}
    return {
        name: value[place] if name in _OF_EACH_RUN and isinstance(value, list) and len(value) == count else value
        for name, value in expect.items()
    }
