"""The functions of a project: from its configuration, and from its templates when one is asked for."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from replay.errors import ConfigurationError, FunctionError, ReplayError, TemplateError
from replay.functions.declared_functions import DeclaredFunction, choose, declared_in, plain
from replay.functions.deployment import Deployment
from replay.functions.documents import load_document
from replay.functions.function import Function
from replay.functions.sam import lacks_transform
from replay.functions.settings import FunctionSettings
from replay.functions.stacks import build_function, read_stack
from replay.functions.template_search import describe_search, find_templates
from replay.payloads.event_sources import EventSource, EventSourceKind

_Reading = tuple[list[DeclaredFunction], Mapping[Path, TemplateError]]
_TAKEN_OVER = (
    "runtime", "timeout_s", "memory_mb", "layers", "setup", "clock", "allow_hosts", "isolation", "command",
    "faults", "account_id", "region", "log_group",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateReading:
    """What came of reading one template: the names of its functions, or why it cannot be used."""

    path: Path
    functions: tuple[str, ...] = ()
    problem: TemplateError | None = None


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """
    The functions of a project, by name.

    Templates are read when a function is first asked for that needs one. `templates` are those that the configuration
    names; without any, they are searched for in `root` and three levels of folders below. `parameters` are values for
    the templates' parameters.
    """

    root: Path
    settings: Mapping[str, FunctionSettings] = field(default_factory=dict)
    templates: Sequence[Path] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> Function:
        """
        Give the function *name*, which shows itself by this name.

        A configured name is taken first; then a template's `FunctionName`, logical id, and last any of these without
        regard to case, dashes, underscores, the stack's name before it and `Function` behind it (`orders` finds
        `OrdersFunction`). The function is called by its configured name, else by its `FunctionName`, else by its
        logical id.

        Raises:
            FunctionError: There is no such function, or more than one.
            TemplateError: Its template cannot be used.
            ConfigurationError: Its configuration does not fit its template.
        """
        return replace(self._found(name), alias=name)

    def _found(self, name: str) -> Function:
        configured = self._configured_name(name)
        if configured is not None:
            return self._configured(configured)
        declared = choose(name, self._declared)
        if declared is None:
            raise self._unknown(name, self._declared, self._problems.values())
        return build_function(declared.stack, declared.logical_id)

    def names(self) -> list[str]:
        """
        List the functions that are configured or that a template declares.

        Raises:
            TemplateError: A template that the configuration names cannot be used.
        """
        return sorted({*self.settings, *(declared.name for declared in self._declared)})

    def templates_read(self) -> list[TemplateReading]:
        """
        List the templates of the project with what each declares.

        Raises:
            TemplateError: A template that the configuration names cannot be used.
        """
        return [
            TemplateReading(
                path=path,
                functions=tuple(item.name for item in self._declared if item.stack.document.path == path),
                problem=self._problems.get(path),
            )
            for path in self._searched
        ]

    def _configured_name(self, name: str) -> str | None:
        if name in self.settings:
            return name
        similar = [known for known in self.settings if plain(known) == plain(name)]
        return similar[0] if len(similar) == 1 else None

    def _configured(self, name: str) -> Function:
        settings = self.settings[name]
        declared = self._template_of(name, settings)
        if declared is not None:
            built = build_function(declared.stack, declared.logical_id, handler=settings.handler, code=settings.code)
            function = replace(built, name=name)
        else:
            code = settings.code or self.root
            function = Function(name=name, handler=settings.handler or "", code=code, runtime_is_declared=False)
        taken_over = {key: getattr(settings, key) for key in _TAKEN_OVER if getattr(settings, key) is not None}
        return replace(
            function,
            environment={**function.environment, **(settings.environment or {})},
            runtime_is_declared=function.runtime_is_declared or settings.runtime is not None,
            event_sources=_merge_event_source(name, function.event_sources, settings.event_source),
            **taken_over,
        )

    def _template_of(self, name: str, settings: FunctionSettings) -> DeclaredFunction | None:
        """Find the template's function behind a configured one; one with a handler of its own needs none."""
        wanted = settings.logical_id or name
        named = settings.template is not None or settings.logical_id is not None
        if settings.handler is not None and not named and not self.templates:
            return None
        declared, problems = self._read_for(settings)
        found = choose(wanted, declared)
        if found is None and settings.template is not None and settings.logical_id is None and len(declared) == 1:
            return declared[0]  # a template of one function need not call it as the configuration does
        if found is None and (named or settings.handler is None):
            raise self._unknown(wanted, declared, problems.values(), settings.template)
        return found

    def _read_for(self, settings: FunctionSettings) -> _Reading:
        standard = Deployment(parameters=self.parameters)
        deployment = replace(
            standard,
            region=settings.region or standard.region,
            account_id=settings.account_id or standard.account_id,
        )
        if settings.template is not None:
            return declared_in(read_stack(settings.template, deployment)), {}
        return self._read_all if deployment == standard else self._read(deployment)

    @property
    def _declared(self) -> list[DeclaredFunction]:
        return self._read_all[0]

    @property
    def _problems(self) -> Mapping[Path, TemplateError]:
        return self._read_all[1]

    @cached_property
    def _read_all(self) -> _Reading:
        return self._read(Deployment(parameters=self.parameters))

    @cached_property
    def _searched(self) -> list[Path]:
        return list(self.templates) or find_templates(self.root)

    def _read(self, deployment: Deployment) -> _Reading:
        """Read the templates; what is wrong with one that was only found by a search is kept for later."""
        declared: list[DeclaredFunction] = []
        problems: dict[Path, TemplateError] = {}
        for path in self._searched:
            try:
                declared += declared_in(read_stack(path, deployment))
            except TemplateError as error:
                if self.templates:
                    raise
                problems[path] = error
        return declared, problems

    def _unknown(
        self,
        name: str,
        declared: Sequence[DeclaredFunction],
        problems: Collection[TemplateError],
        template: Path | None = None,
    ) -> ReplayError:
        """Say what was searched and what is there instead; or what is wrong with the one template that there is."""
        if problems and not declared:
            return next(iter(problems))
        known = {*self.settings, *(item.name for item in declared), *(item.logical_id for item in declared)} - {name}
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or sorted(known)[:10]
        places = [template] if template else self._searched
        everywhere = [] if template or self.templates else [describe_search(self.root)]
        searched = ["[tool.replay.functions]", *map(str, places), *everywhere]
        configure = f'[tool.replay.functions.{name}] handler = "module.function"'
        untransformed = [str(path) for path in places if _lacks_transform(path)]
        if untransformed:
            return FunctionError(
                f"there is no function {name!r}: a template has AWS::Serverless resources, but no Transform",
                where=", ".join(untransformed),
                expected="Transform: AWS::Serverless-2016-10-31",
                hint="add that line to the template: without it, CloudFormation refuses such resources too",
            )
        return FunctionError(
            f"there is no function {name!r}",
            where=f"searched {'; '.join(searched)}" + "".join(f"; {error.where}: {error.what}" for error in problems),
            expected=f"one of: {', '.join(near)}" if near else "a template.yaml, or a configured function",
            hint=f"{'name one of these, or ' if near else ''}set in pyproject.toml: {configure}",
        )


def _lacks_transform(path: Path) -> bool:
    try:
        return lacks_transform(load_document(path))
    except TemplateError:
        return False


def build_catalog(
    *,
    root: Path,
    settings: Mapping[str, FunctionSettings],
    templates: Sequence[Path],
    parameters: Mapping[str, str] | None = None,
) -> Catalog:
    """
    Make the catalog of the project in *root*; nothing is read yet.

    Args:
        templates: Those that the configuration names; none means that they are searched for.
        parameters: Values for the templates' parameters, and for pseudo parameters such as `AWS::StackName`.
    """
    return Catalog(root=root, settings=settings, templates=tuple(templates), parameters=parameters or {})


def _merge_event_source(
    name: str, sources: tuple[EventSource, ...], configured: Mapping[str, Any] | None
) -> tuple[EventSource, ...]:
    """Lay the configured fields over the event source that they speak of, and put that one first."""
    if not configured:
        return sources
    kind, arn = configured.get("kind"), configured.get("arn")
    fitting = [source for source in sources if kind in {None, source.kind}]
    same = next((source for source in fitting if source.arn == arn), fitting[0] if fitting else None)
    if same is None and kind is None:
        raise ConfigurationError(
            f"the event source of the function {name} has no kind, and no template tells it",
            where=f"[tool.replay.functions.{name}] event_source",
            expected=f"kind = one of {', '.join(get_args(EventSourceKind))}",
        )
    return (replace(same or EventSource(), **configured), *(source for source in sources if source is not same))
