"""
The statement that makes a table of a log: `CREATE EXTERNAL TABLE`, for `replay athena-ddl`.

Source: Athena User Guide, "CREATE TABLE", "JSON SerDe libraries" (OpenX), "LazySimpleSerDe" (fields end with Ctrl-A
where nothing else is said, which no JSON holds, so that one column is the whole line).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from replay.errors import ConfigurationError
from replay.payloads.envelopes.documents import document
from replay.sources.athena_parts.table_layouts import Layout

LINE_COLUMN = "line"
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,127}")
_OPENX = "org.openx.data.jsonserde.JsonSerDe"
_UNSAFE = re.compile(r"['\"\\`$;\x00-\x1f\x7f]")
_MOST_FIELDS = 500


def create_table(
    name: str, bucket: str, layout: Layout, *, database: str | None = None, fields: Mapping[str, str] | None = None
) -> str:
    """
    Write the statement.

    Args:
        fields: The members of the lines' objects with their types; None makes one column of the whole line.

    Raises:
        ConfigurationError: A name or place that a statement cannot hold.
    """
    for option, given in (("--name", name), ("--database", database)):
        if given is not None and not _NAME.fullmatch(given):
            raise ConfigurationError(
                "that is no name for Athena", where=f"{option} {given!r}", expected="lower-case letters, digits and _"
            )
    table = f"`{database}`.`{name}`" if database else f"`{name}`"
    columns, mapping = _columns(fields, {key.name for key in layout.keys})
    lines = [f"CREATE EXTERNAL TABLE {table} (", ",\n".join(f"  `{each}` {kind}" for each, kind in columns), ")"]
    if layout.keys:
        keys = ",\n".join(f"  `{key.name}` {key.type}" for key in layout.keys)
        lines += ["PARTITIONED BY (", keys, ")"]
    if fields is not None:
        properties = {"ignore.malformed.json": "true", **mapping}
        lines += [f"ROW FORMAT SERDE '{_OPENX}'", f"WITH SERDEPROPERTIES ({_properties(properties)})"]
    lines += ["STORED AS TEXTFILE", f"LOCATION '{_place(bucket, layout.location)}'"]
    if layout.keys:
        lines.append(f"TBLPROPERTIES ({_properties(_projection(bucket, layout))})")
    return "\n".join(lines)


def fields_of(lines: Iterable[str]) -> dict[str, str]:
    """
    Give the members of the objects that *lines* are, with a type that holds all their values.

    What is nested, or of several kinds, becomes text, which holds anything.
    """
    found: dict[str, str] = {}
    for value in map(document, lines):
        for name, member in value.items() if isinstance(value, dict) else ():
            kind = _type_of(member)
            known = found.get(name)
            if known is None and len(found) >= _MOST_FIELDS:
                continue
            found[name] = kind if known in {None, ""} else known if kind in {known, ""} else _both(known, kind)
    return {name: kind or "string" for name, kind in found.items()}


def _type_of(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "bigint" if -(2**63) <= value < 2**63 else "string"
    return "double" if isinstance(value, float) else "string"


def _both(one: str | None, other: str) -> str:
    return "double" if {one, other} == {"bigint", "double"} else "string"


def _columns(fields: Mapping[str, str] | None, taken: set[str]) -> tuple[Sequence[tuple[str, str]], dict[str, str]]:
    """Name the columns as a catalog can, and map those whose members are called otherwise."""
    if fields is None:
        return [(LINE_COLUMN, "string")], {}
    columns: list[tuple[str, str]] = []
    mapping: dict[str, str] = {}
    names = set(taken)
    for member, kind in fields.items():
        if not member or _UNSAFE.search(member):
            continue
        name = _free(re.sub(r"[^a-z0-9_]", "_", member.lower())[:120], names)
        names.add(name)
        columns.append((name, kind))
        if name != member.lower():
            mapping[f"mapping.{name}"] = member
    if not columns:
        raise ConfigurationError(
            "no members were found in the lines of the first object",
            expected="lines that are JSON objects",
            hint="make a table of whole lines: --columns line",
        )
    return columns, mapping


def _free(wanted: str, names: set[str]) -> str:
    wanted = wanted if not wanted[:1].isdigit() else f"_{wanted}"
    return next(
        name for number in range(len(names) + 2) if (name := f"{wanted}_{number}" if number else wanted) not in names
    )


def _projection(bucket: str, layout: Layout) -> dict[str, str]:
    made = {"projection.enabled": "true"}
    for key in layout.keys:
        made |= {f"projection.{key.name}.{setting}": value for setting, value in key.projection.items()}
    _safe(re.sub(r"\$\{\w+\}", "", layout.template))
    return made | {"storage.location.template": f"s3://{_safe(bucket)}/{layout.template}"}


def _properties(given: Mapping[str, str]) -> str:
    rows = ",\n".join(f"  '{_safe(name)}' = '{value}'" for name, value in given.items())
    return f"\n{rows}\n"


def _place(bucket: str, prefix: str) -> str:
    return f"s3://{_safe(bucket)}/{_safe(prefix)}{'' if prefix.endswith('/') or not prefix else '/'}"


def _safe(text: str) -> str:
    if _UNSAFE.search(text):
        shown = "".join(letter if letter.isprintable() else "?" for letter in text)
        raise ConfigurationError(
            "a statement cannot hold that place",
            where=shown,
            expected="a bucket and keys without quotes, backslashes, $, ; and control characters",
        )
    return text
