"""SQL as Athena reads it: names and texts quoted, and which statements only read."""

import re

from replay.errors import ConfigurationError

_SPACE_OR_COMMENT = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/|\()*", re.DOTALL)
_READING = frozenset({"select", "with", "values", "table"})
_NAME_PART = re.compile(r'"((?:[^"]|"")+)"|`([^`]+)`|([^."`\s]+)')
_MOST_PARTS = 3


def identifier(name: str) -> str:
    """Quote a name of a column, table, database or catalog."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text."""
    return "'" + text.replace("'", "''") + "'"


def table_name(text: str) -> tuple[str, ...]:
    """
    Split `TABLE`, `DB.TABLE` or `CATALOG.DB.TABLE`, each part perhaps quoted, into its parts.

    Raises:
        ConfigurationError: It is no such name.
    """
    parts: list[str] = []
    at, rest = 0, text.strip()
    while found := _NAME_PART.match(rest, at):
        quoted, backquoted, plain = found.groups()
        parts.append(quoted.replace('""', '"') if quoted else backquoted or plain)
        at = found.end()
        if at == len(rest):
            break
        if rest[at] != ".":
            break
        at += 1
    if at != len(rest) or not rest or rest.endswith(".") or not 0 < len(parts) <= _MOST_PARTS:
        raise ConfigurationError("that is no name of a table", where=f"--table {text!r}", expected="DATABASE.TABLE")
    return tuple(parts)


def check_reads_only(query: str) -> None:
    """
    Refuse a statement that could change anything: a recording only reads.

    Source: Athena User Guide, "DML queries, functions, and operators": one statement a query, of which `SELECT`,
    `WITH`, `VALUES` and `TABLE` only read.

    Raises:
        ConfigurationError: It begins with another word.
    """
    start = _SPACE_OR_COMMENT.match(query)
    word = re.match(r"[A-Za-z]+", query[start.end() if start else 0 :])
    if word is None or word[0].lower() not in _READING:
        raise ConfigurationError(
            "that query does not only read",
            where=f"--query: it begins with {word[0].upper()}" if word else "--query",
            expected="SELECT …, or WITH … SELECT …",
            hint="run other statements in the console of Athena",
        )
