"""A source's options dataclass as command-line options and as `[tool.replay.sources.NAME]` keys."""

import re
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import click

from replay.config import read_table
from replay.errors import ConfigurationError
from replay.sources.aws_options import AwsOptions
from replay.sources.base import Source

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def click_options(source: type[Source]) -> list[click.Parameter]:
    """
    Make an option of each field of the source's options; one that is `positional` also goes without its flag.

    One that is `shared` is filled by `replay record` itself: `function`, and what the project knows of the function.
    """
    hints = get_type_hints(source.options)
    named = [field for field in fields(source.options) if not field.metadata.get("shared")]
    of_aws = {field.name for field in fields(AwsOptions)}
    own = sorted(named, key=lambda field: field.name in of_aws)  # those that every source has come last
    made: list[click.Parameter] = [_click_option(field, hints[field.name]) for field in own]
    made += [
        click.Argument(
            [_argument(field.name)],
            nargs=-1,
            type=_kind(hints[field.name])[0],
            metavar=f"[{field.metadata['metavar']}…]",
        )
        for field in fields(source.options)
        if field.metadata.get("positional")
    ]
    return made


def build_options(
    source: type[Source], given: Mapping[str, Any], configured: Mapping[str, Any], *, where: str, root: Path
) -> Any:
    """
    Build the source's options: the command line first, then the configuration, then the defaults.

    Args:
        where: The section of the configuration, for errors.
        root: The project's folder, from which configured paths are seen.

    Raises:
        ConfigurationError: A configured key is unknown or of the wrong type, or a required option is missing.
    """
    values = read_table(source.options, configured, where=where, root=root)
    known = {field.name: field for field in fields(source.options)}
    for key in values:
        if known[key].metadata.get("urls_or_paths"):
            values[key] = tuple(each if _URL.match(each) else str(root / each) for each in values[key])
    for key in known:
        value = given.get(key)
        if _argument(key) in given:
            value = (*(value or ()), *given[_argument(key)])
        if value is not None and value != ():
            values[key] = value
    missing = [name for name, field in known.items() if _required(field) and name not in values]
    if missing:
        raise ConfigurationError(
            f"an option is missing: {', '.join(_flag(name) for name in missing)}",
            where=f"replay record {source.name}",
            hint=f"replay record {source.name} --help",
        )
    return source.options(**values)


def _click_option(field: "Field[Any]", hint: Any) -> click.Option:
    kind, multiple = _kind(hint)
    help_text = _sentence(str(field.metadata.get("help", "")))
    default = None if field.default is MISSING else field.default
    if kind is not bool and default not in (None, ()):
        help_text += f" [default: {default}]"
    help_text += " [required]" if _required(field) else ""
    if kind is bool:
        return click.Option([_flag(field.name), field.name], is_flag=True, default=None, help=help_text)
    return click.Option(
        [_flag(field.name), field.name],
        type=kind,
        multiple=multiple,
        metavar=field.metadata.get("metavar"),
        help=help_text,
    )


def _sentence(words: str) -> str:
    """Write the words of an option as the other options are written."""
    return f"{words[:1].upper()}{words[1:].rstrip('.')}." if words else ""


def _kind(hint: Any) -> tuple[type, bool]:
    """Give the scalar type of an option, and whether it may be given several times."""
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    if get_origin(hint) is tuple:
        return get_args(hint)[0], True
    return hint, False


def _required(field: "Field[Any]") -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _argument(name: str) -> str:
    return f"{name}_argument"


def _flag(name: str) -> str:
    """Write a field's option; a field whose name Python keeps for itself (`from_`) has an underscore more."""
    return "--" + name.rstrip("_").replace("_", "-")
