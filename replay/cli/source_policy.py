"""`replay doctor --source X`: the least policy that recording from X needs, and whether it is there."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, asdict, fields
from functools import partial
from pathlib import Path
from typing import Any, get_origin, get_type_hints

import click

from replay.cli.exits import AS_EXPECTED, UNEXPECTED
from replay.cli.options import write_line
from replay.cli.record_command import NamedSource, named_source, shared_options, with_common_options
from replay.cli.source_options import build_options, click_options
from replay.diagnosis.finding import Finding
from replay.diagnosis.source_permissions import (
    AskedFor,
    Caller,
    caller_of,
    check_permissions,
    permissions_for,
    policy,
)
from replay.errors import ConfigurationError
from replay.project import Project, open_project
from replay.readers.clients import aws_client
from replay.sources.base import Source
from replay.sources.permissions import ANY, AwsPlace
from replay.sources.registry import source_names

_PLACES = ("region", "profile", "endpoint_url")


def tell_policy(
    name: str,
    arguments: Sequence[str],
    places: dict[str, str | None],
    *,
    as_json: bool,
    write: Callable[[Finding], object],
) -> int:
    """
    Write the policy to stdout as JSON, and what is allowed of it by *write*; give the exit code.

    Args:
        arguments: The options of `replay record NAME`, as on its command line; none of them must be there.
        places: Region, profile and endpoint, where they were given to `replay doctor` itself.

    Raises:
        ReplayError: There is no such source, or its options cannot be meant.
    """
    named = named_source(name)
    if named is None:
        raise ConfigurationError(
            f"there is no source {name!r}",
            where="replay doctor --source",
            expected=f"one of {', '.join(source_names())}",
        )
    given = _parsed(name, named.source, arguments)
    given |= {key: value for key, value in places.items() if value is not None}
    project = open_project(fixtures=given.pop("out"))
    asked, where = _asked(project, name, named, given)
    client_of = partial(
        aws_client, region=where["region"], profile=where["profile"], endpoint_url=where["endpoint_url"]
    )
    is_of_aws = permissions_for(project, asked, AwsPlace())
    caller = caller_of(client_of) if is_of_aws else Caller(at=AwsPlace())
    permissions = permissions_for(project, asked, caller.at)
    document = policy(permissions or ())
    if as_json:
        write_line({"type": "policy", "policy": document})
    else:
        click.echo(json.dumps(document, indent=2))
    findings: Iterator[Finding] = (
        iter([_undeclared(name)]) if permissions is None else check_permissions(asked, permissions, caller, client_of)
    )
    problems = 0
    for finding in findings:
        problems += finding.level == "problem"
        if as_json:
            write_line({"type": "finding", **asdict(finding)})
        else:
            write(finding)
    return UNEXPECTED if problems else AS_EXPECTED


def _parsed(name: str, source: type[Source], arguments: Sequence[str]) -> dict[str, Any]:
    """Read the options that `replay record` would take."""
    command = with_common_options(
        click.Command(name, callback=lambda **given: given, params=[*click_options(source)], add_help_option=False)
    )
    read: dict[str, Any] = command.main(
        list(arguments), prog_name=f"replay doctor --source {name}", standalone_mode=False
    )
    return read


def _asked(
    project: Project, name: str, named: NamedSource, given: dict[str, Any]
) -> tuple[AskedFor, dict[str, str | None]]:
    settings = dict(named.settings)
    told = settings.pop("function", None)
    function = given["function"] or (told if isinstance(told, str) else None) or ANY
    given = given | shared_options(named.source, project, function)
    hints = get_type_hints(named.source.options)
    missing = [
        each.name
        for each in fields(named.source.options)
        if each.default is MISSING and each.default_factory is MISSING
        if given.get(each.name) in (None, ()) and not given.get(f"{each.name}_argument") and each.name not in settings
    ]
    given |= {each: _any(hints[each]) for each in missing}
    where = named.where or f"replay doctor --source {name}"
    options = build_options(named.source, given, settings, where=where, root=project.config.root)
    asked = AskedFor(
        source=named.source(options), function=function, enriches=not given["no_enrich"], named=not missing
    )
    return asked, {place: getattr(options, place, None) for place in _PLACES}


def _any(hint: Any) -> Any:
    """Give the value of an option that stands for any: `*`, or several of which it is the only one."""
    if get_origin(hint) is tuple:
        return (Path(ANY) if hint.__args__[0] is Path else ANY,)
    return ANY


def _undeclared(name: str) -> Finding:
    return Finding(
        check="permissions",
        level="note",
        what=f"the source {name!r}, of another package, does not declare what it needs of AWS",
        hint="see its documentation",
    )
