"""Whether the functions that fixtures, configuration and templates speak of can be run here, and as on AWS."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from replay.counted_nouns import counted
from replay.diagnosis.event_source_checks import check_event_sources
from replay.diagnosis.finding import Finding, problem
from replay.diagnosis.handler_imports import import_handlers
from replay.errors import ReplayError
from replay.functions.function import Function
from replay.project import Project, needs_a_child
from replay.targets.child.launch import command_of
from replay.targets.child.network_closure import describe_closure

_CHECK = "functions"


def check_functions(project: Project, *, imports: bool) -> Iterator[Finding]:
    """Look at every function: whether it is there, can be imported, and has event sources that fit it."""
    recorded = _recorded(project)
    functions: dict[str, Function] = {}
    told = {template.problem.what for template in project.catalog.templates_read() if template.problem is not None}
    for name in sorted(recorded.keys() | set(project.catalog.names())):
        try:
            function = project.catalog.get(name)
        except ReplayError as error:
            if error.what in told:  # by the check of templates: one cause is one problem
                continue
            fixtures = f"{counted(recorded[name], 'fixture')} of " if name in recorded else ""
            yield problem(_CHECK, error, about=f"{fixtures}{name}")
        else:
            functions[function.name] = function
    yield from _runnable(list(functions.values()), project, imports=imports)
    yield from _runtimes(functions.values())
    yield from check_event_sources(project)


def _recorded(project: Project) -> Counter[str]:
    """Count the fixtures of each function."""
    if not project.config.fixtures.is_dir():
        return Counter()
    return Counter(reference.function for reference in project.store.references())


def _runnable(functions: Sequence[Function], project: Project, *, imports: bool) -> Iterator[Finding]:
    in_python = [function for function in functions if function.runtime.startswith("python") and not function.command]
    failed = {}
    for function, finding in import_handlers(in_python, project=project.config.root) if imports else ():
        failed[function.name] = finding
    for function in functions:
        found = failed.get(function.name)
        finding = found if found is not None else _child(function) if needs_a_child(function) else None
        if finding is not None:
            yield finding
        if finding is None or finding.level != "problem":
            imported = " can be imported" if function.name in failed else ""
            what = f"{function.name}: {function.handler or ' '.join(function.command)} in {function.code}{imported}"
            yield Finding(check=_CHECK, level="ok", what=what)


def _child(function: Function) -> Finding:
    """Say what keeps a function's process from the network, or why there can be none."""
    try:
        command_of(function)
        closure = describe_closure(function)
    except ReplayError as error:
        return problem(_CHECK, error, about=function.name)
    is_closed = closure.startswith(f"{function.name}: ")  # else it is the sentence that says why not
    return Finding(
        check="network",
        level="ok" if is_closed else "note",
        what=closure,
        hint="" if is_closed else "do not replay this function where it could do harm",
    )


def _runtimes(functions: Iterable[Function]) -> Iterator[Finding]:
    """Say once for each runtime which functions run on another Python here than on AWS."""
    here = f"python{sys.version_info.major}.{sys.version_info.minor}"
    others: dict[str, list[str]] = {}
    for function in functions:
        if function.other_python_here:
            others.setdefault(function.runtime, []).append(function.name)
    for runtime, names in others.items():
        verb = "runs" if len(names) == 1 else "run"
        yield Finding(
            check=_CHECK,
            level="note",
            what=f"{', '.join(names)} {verb} on {here} here, and on {runtime} on AWS",
            hint=f"run replay with {runtime} where the difference matters",
        )
