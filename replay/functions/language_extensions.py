"""`Fn::ForEach`, the loop of CloudFormation's language extensions, written out before anything else is read."""

from collections.abc import Callable, Mapping
from typing import Any

from replay.payloads.exact_json import Json

_LOOP = "Fn::ForEach::"
_LOOP_PARTS = 3


def unroll(value: Any, resolve: Callable[[Json], Json]) -> Any:
    """
    Write out every loop in *value*: `Fn::ForEach::Name: [variable, collection, {key: body}]`.

    A loop of another form than this is left out.

    Args:
        resolve: Resolves the collection, which may be a parameter.

    Source: CloudFormation Template Reference, "Fn::ForEach".
    """
    if isinstance(value, list):
        return [unroll(item, resolve) for item in value]
    if not isinstance(value, dict):
        return value
    written: dict[str, Any] = {}
    for key, item in value.items():
        if key.startswith(_LOOP):
            written.update(_rounds(item, resolve))
        else:
            written[key] = unroll(item, resolve)
    return written


def _rounds(loop: Any, resolve: Callable[[Json], Json]) -> dict[str, Any]:
    written: dict[str, Any] = {}
    if not (isinstance(loop, list) and len(loop) == _LOOP_PARTS and isinstance(loop[2], dict)):
        return written
    variable, collection, body = loop
    items = resolve(collection)
    for item in items if isinstance(items, list) else ():
        written.update(unroll(_replace(body, str(variable), str(item)), resolve))
    return written


def _replace(value: Any, variable: str, item: str) -> Any:
    """Put *item* where *value* says `${variable}`, `&{variable}` (its letters and digits) or `Ref: variable`."""
    if isinstance(value, str):
        letters = "".join(letter for letter in item if letter.isalnum())
        return value.replace(f"${{{variable}}}", item).replace(f"&{{{variable}}}", letters)
    if isinstance(value, list):
        return [_replace(part, variable, item) for part in value]
    if isinstance(value, Mapping):
        if value == {"Ref": variable}:
            return item
        return {_replace(key, variable, item): _replace(part, variable, item) for key, part in value.items()}
    return value
