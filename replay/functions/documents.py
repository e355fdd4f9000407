"""A template as text and data: YAML with CloudFormation's tags, or JSON, read without executing anything."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from replay.errors import InvalidJson, TemplateError
from replay.payloads.exact_json import Json, parse

_MAX_BYTES = 10_000_000
_MAX_DEPTH = 100
_MAX_NODES = 500_000
_PLAIN_TAGS = ("null", "bool", "int", "float", "str", "seq", "map")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A template file as it was read: `data` is its top-level mapping."""

    path: Path
    text: str
    data: Mapping[str, Json]

    def where(self, logical_id: str = "") -> str:
        """Name the file, and the line and name of the resource *logical_id* where it has one."""
        if not logical_id:
            return str(self.path)
        resources = re.search(r"^[ \t]*\"?(Resources|functions)\"?[ \t]*:", self.text, re.MULTILINE)
        key = re.compile(rf"^[ \t]*[\"']?{re.escape(logical_id)}[\"']?[ \t]*:", re.MULTILINE)
        declared = key.search(self.text, resources.end() if resources else 0)
        line = f":{self.text.count(chr(10), 0, declared.start()) + 1}" if declared else ""
        return f"{self.path}{line} ({logical_id})"

    def section(self, name: str) -> dict[str, Any]:
        """
        Give a top-level section such as `Resources`; empty where there is none.

        Raises:
            TemplateError: It is no mapping.
        """
        found = self.data.get(name)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise TemplateError(
                f"the section {name} is not a mapping",
                where=str(self.path),
                expected=f"{name}: followed by named entries",
            )
        return found


def as_mapping(value: Any) -> dict[str, Any]:
    """Give *value* where it is a mapping, else an empty one: templates are written by hand."""
    return value if isinstance(value, dict) else {}


def as_sequence(value: Any) -> list[Any]:
    """Give *value* where it is a sequence, else an empty one."""
    return value if isinstance(value, list) else []


def load_document(path: Path) -> Document:
    """
    Read a template in YAML or JSON, whichever it is.

    Raises:
        TemplateError: It cannot be read, is neither, or grows beyond reason when its aliases are followed.
    """
    text = _read(path)
    try:
        data = _parse_json(text, path) if path.suffix == ".json" else _parse_yaml(text, path)
    except RecursionError:
        raise _too_deep(path) from None
    if not isinstance(data, dict):
        raise TemplateError(
            "the template is not a mapping",
            where=str(path),
            expected="a file with a Resources section",
            hint="look at it",
        )
    return Document(path=path, text=text, data=data)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise TemplateError("the template is too large", where=str(path), expected=f"at most {_MAX_BYTES:,} bytes")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TemplateError("the template is not UTF-8 text", where=str(path)) from None
    except OSError as error:
        raise TemplateError(
            f"the template cannot be read: {error.strerror}",
            where=str(path),
            hint="correct `template` in [tool.replay], or the file's permissions",
        ) from None


def _parse_json(text: str, path: Path) -> Json:
    try:
        return parse(text)
    except InvalidJson as error:
        raise TemplateError(
            f"the template is {error.what}",
            where=str(path),
            expected="a JSON template",
            hint="mend it; `cfn-lint` tells more",
        ) from None


def _parse_yaml(text: str, path: Path) -> Json:
    import yaml

    try:
        _refuse_depth(text, path)
        loader = _loader_class()(text)
        try:
            node = loader.get_single_node()
            _refuse_bomb(node, path)
            return loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise TemplateError(
            f"the template is not valid YAML: {error.problem or error.context}",
            # At the end of a file libyaml counts one line too many.
            where=str(path) if mark is None else f"{path}:{min(_line(mark), text.count(chr(10)) + 1)}",
            expected="YAML with CloudFormation's tags, or JSON",
            hint="mend that line, or the one before it; `sam validate --lint` and `cfn-lint` tell more",
        ) from None
    except yaml.YAMLError as error:
        raise TemplateError(f"the template is not valid YAML: {error}", where=str(path)) from None
    except ValueError as error:
        # An impossible scalar, such as a number of more digits than Python reads.
        raise TemplateError(f"the template holds a value that cannot be read: {error}", where=str(path)) from None


def _refuse_depth(text: str, path: Path) -> None:
    """Count the levels before anything recursive, in C or in Python, walks them."""
    import yaml

    depth = 0
    for event in yaml.parse(text, _base_loader()):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                raise _too_deep(path, _line(event.start_mark))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _line(mark: Any) -> int:
    return int(mark.line) + 1


def _too_deep(path: Path, line: int | None = None) -> TemplateError:
    where = str(path) if line is None else f"{path}:{line}"
    return TemplateError("the template is nested too deep", where=where, expected=f"at most {_MAX_DEPTH} levels")


def _refuse_bomb(node: Any, path: Path) -> None:
    """Walk the nodes as often as aliases name them, so that a small file cannot become a huge value."""
    waiting = [] if node is None else [node]
    seen = 0
    while waiting:
        node = waiting.pop()
        seen += 1
        if seen > _MAX_NODES:
            raise TemplateError(
                "the template's aliases expand to a huge value, or to themselves",
                where=f"{path}:{_line(node.start_mark)}",
                expected=f"at most {_MAX_NODES:,} nodes",
                hint="write the aliased parts out",
            )
        if isinstance(node.value, list):
            for child in node.value:
                waiting += child if isinstance(child, tuple) else (child,)


def _base_loader() -> Any:
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def _loader_class() -> Any:
    """Make the loader: only plain data, no dates (a template's versions are text), and CloudFormation's short tags."""
    base = _base_loader()
    resolvers = {
        first: [(tag, pattern) for tag, pattern in known if not tag.endswith(":timestamp")]
        for first, known in base.yaml_implicit_resolvers.items()
    }
    constructors = {
        tag: construct
        for tag, construct in base.yaml_constructors.items()
        if tag is None or tag.rpartition(":")[2] in _PLAIN_TAGS
    }
    loader: Any = type(
        "TemplateLoader", (base,), {"yaml_implicit_resolvers": resolvers, "yaml_constructors": constructors}
    )
    loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)
    loader.add_constructor("tag:yaml.org,2002:seq", _construct_sequence)
    loader.add_multi_constructor("!", _construct_intrinsic)
    return loader


def _construct_mapping(loader: Any, node: Any) -> dict[str, Json]:
    loader.flatten_mapping(node)
    return {
        _key(loader.construct_object(key, deep=True)): loader.construct_object(value, deep=True)
        for key, value in node.value
    }


def _key(value: Any) -> str:
    """Write a key as JSON would: the responses of an API are `200:`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _construct_sequence(loader: Any, node: Any) -> list[Json]:
    return [loader.construct_object(child, deep=True) for child in node.value]


def _construct_intrinsic(loader: Any, suffix: str, node: Any) -> dict[str, Json]:
    value = _constructor(node)(loader, node)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


def _constructor(node: Any) -> Callable[[Any, Any], Json]:
    import yaml

    if isinstance(node, yaml.MappingNode):
        return _construct_mapping
    if isinstance(node, yaml.SequenceNode):
        return _construct_sequence
    return _construct_scalar


def _construct_scalar(loader: Any, node: Any) -> Json:
    value: Json = loader.construct_scalar(node)
    return value
