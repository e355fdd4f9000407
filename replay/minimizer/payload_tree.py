"""An event as a tree of which parts can be left out: objects, arrays, scalars, and JSON inside strings and base64."""

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from replay.errors import InvalidJson
from replay.minimizer.free_parts import FreeParts, Pattern
from replay.payloads.exact_json import string_token

_DEEPEST = 250
_JSON_STARTS = ("{", "[")
Kind = Literal["object", "array", "text", "raw", "json", "base64"]


class _Number(str):
    """A number or constant as it is written, so that no digit is lost."""

    __slots__ = ()


class _Members(list[tuple[str, Any]]):
    """The members of an object, equal keys too."""


@dataclass(slots=True, eq=False)
class Node:
    """
    One value. `at` is the JSON Pointer that it had in the event as recorded; `#` steps into a string.

    A `text` has its characters and a `raw` its token in `text`; `json` and `base64` have what they hold as their one
    child. Of the others `children` are the elements or members, `keys` the names of these. A node that `may_go` can be
    left out, one that is `free` shortened; what is not `is_there` was left out.
    """

    kind: Kind
    at: str
    text: str = ""
    children: list["Node"] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    may_go: bool = False
    free: bool = False
    is_there: bool = True

    def living(self) -> Iterator["Node"]:
        """Give the children that are still there."""
        return (child for child in self.children if child.is_there)


def tree_of(event_text: str, free: FreeParts) -> Node:
    """
    Take an event apart.

    Raises:
        InvalidJson: It is no JSON, or nested too deep.
    """
    root = _node(_read(event_text), "", (), free)
    root.may_go = False
    return root


def _read(text: str) -> Any:
    try:
        value = json.loads(
            text, parse_int=_Number, parse_float=_Number, parse_constant=_Number, object_pairs_hook=_Members
        )
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise InvalidJson("not JSON, so it cannot be taken apart", hint="see `replay show`") from None
    if _depth(value) > _DEEPEST:
        raise _too_deep()
    return value


def _too_deep() -> InvalidJson:
    return InvalidJson("the JSON is nested too deep to be taken apart", expected=f"at most {_DEEPEST} levels")


def _depth(value: Any) -> int:
    deepest, left = 0, [(value, 1)]
    while left:
        each, level = left.pop()
        deepest = max(deepest, level)
        if level > _DEEPEST:
            break
        if isinstance(each, _Members):
            left += [(inner, level + 1) for _, inner in each]
        elif isinstance(each, list):
            left += [(inner, level + 1) for inner in each]
    return deepest


def _node(value: Any, at: str, path: Pattern, free: FreeParts) -> Node:
    is_free = free.is_free(path)
    if isinstance(value, _Members):
        goes = free.may_lose_children(path)
        keys = [key for key, _ in value]
        made = Node(kind="object", at=at, keys=keys, free=is_free)
        made.children = [_child(inner, f"{at}/{_escaped(key)}", (*path, key), free, goes) for key, inner in value]
        return made
    if isinstance(value, list):
        goes = free.may_lose_children(path)
        made = Node(kind="array", at=at, free=is_free)
        made.children = [
            _child(inner, f"{at}/{number}", (*path, "*"), free, goes) for number, inner in enumerate(value)
        ]
        return made
    if isinstance(value, _Number):
        return Node(kind="raw", at=at, text=value, free=is_free)
    if isinstance(value, str):
        return _string(value, at, path, free) if is_free else Node(kind="text", at=at, text=value)
    return Node(kind="raw", at=at, text={True: "true", False: "false", None: "null"}[value])


def _child(value: Any, at: str, path: Pattern, free: FreeParts, goes: bool) -> Node:
    made = _node(value, at, path, free)
    made.may_go = goes
    return made


def _string(value: str, at: str, path: Pattern, free: FreeParts) -> Node:
    """Take a string apart where it holds an object or an array, as such or in base64."""
    for kind, text in (("json", value), ("base64", _decoded(value) if free.in_base64 else None)):
        if text is None or not text.lstrip().startswith(_JSON_STARTS):
            continue
        try:
            inside = _node(_read(text), f"{at}#", path, free)
        except InvalidJson:
            continue
        return Node(kind="json" if kind == "json" else "base64", at=at, text=value, children=[inside], free=True)
    return Node(kind="text", at=at, text=value, free=True)


def _decoded(value: str) -> str | None:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def written(node: Node) -> str:
    """Write what is left of a tree as compact JSON; what nobody touched keeps every digit."""
    if node.kind == "object":
        members = zip(node.keys, node.children, strict=True)
        return "{" + ",".join(f"{string_token(key)}:{written(each)}" for key, each in members if each.is_there) + "}"
    if node.kind == "array":
        return "[" + ",".join(written(each) for each in node.living()) + "]"
    if node.kind == "json":
        return string_token(written(node.children[0]))
    if node.kind == "base64":
        return string_token(base64.b64encode(written(node.children[0]).encode()).decode())
    return string_token(node.text) if node.kind == "text" else node.text


def levels(root: Node) -> Iterator[list[Node]]:
    """Give the nodes that are there, from the top down; a level is made only when the one above has been dealt with."""
    level = [root]
    while level:
        yield level
        level = [child for node in level if node.is_there for child in node.living()]


def places(root: Node) -> dict[str, str]:
    """Say where each place of the event as recorded is now."""
    found, left = {root.at: ""}, [(root, "")]
    while left:
        node, now = left.pop()
        for number, child in enumerate(node.living()):
            if node.kind in {"json", "base64"}:
                step = f"{now}#"
            elif node.kind == "array":
                step = f"{now}/{number}"
            else:
                step = f"{now}/{_escaped(node.keys[node.children.index(child)])}"
            found[child.at] = step
            left.append((child, step))
    return found
