"""
`[tool.replay]` of `pyproject.toml`: named functions, sources and targets, like git remotes.

    [tool.replay]
    fixtures = "fixtures"                  # the folder of the fixtures
    template = "template.yaml"             # or a list; without it, templates are searched for
    parameters = { Stage = "dev" }         # values for the templates' parameters, also "AWS::StackName"

    [tool.replay.functions.orders]         # see FunctionSettings; every key may be left out
    handler = "app.handler"
    code = "src"
    template = "template.yaml"
    logical_id = "OrdersFunction"
    runtime = "python3.12"
    timeout_s = 10
    memory_mb = 256
    environment = { TABLE_NAME = "orders" }
    layers = ["layers/shared"]
    setup = "tests.orders_setup:prepare"
    clock = "captured"
    allow_hosts = ["localhost"]
    isolation = "process"                  # or "in_process"; by default each fixture has what it needs
    command = ["node", "index.mjs"]        # for functions that are not in Python
    faults = [{ call = "dynamodb:PutItem", error = "ThrottlingException" }]   # see Fault
    event_source = { kind = "sqs", batch_size = 5, report_batch_item_failures = true }   # see EventSource
    account_id = "123456789012"
    region = "eu-west-1"
    log_group = "/aws/lambda/shop-orders"  # where it logs on AWS, if neither the template nor its name tells

    [tool.replay.sources.NAME]             # the options of a source, as `replay record` takes them
    [tool.replay.targets.NAME]             # the options of a target
    [tool.replay.redaction]                # what else is private, or is not

    [tool.replay.claim_checks]             # see ClaimCheckSettings
    buckets = ["orders-payloads"]          # payloads that messages point to are fetched from here
    max_size_mb = 10

    [tool.replay.compare]
    ignore = ["$..timestamp"]              # what may differ between two targets (JSONPath)

Paths are seen from the folder of `pyproject.toml`. Every value is checked for its type as it is read.
"""

import difflib
import re
import tomllib
import types
from collections.abc import Mapping, Sequence
from collections.abc import Mapping as MappingType
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

from replay.errors import ConfigurationError
from replay.functions.catalog import Catalog, build_catalog
from replay.functions.settings import FunctionSettings
from replay.payloads import event_source_limits
from replay.payloads.event_sources import EventSource
from replay.project_root import CONFIGURATION_FILE, FIXTURES_FOLDER, configuration_files, find_root

_LIMITS: Mapping[str, tuple[float, float]] = {
    # Source: Lambda API reference, CreateFunction.
    "timeout_s": (0.001, 900),
    "memory_mb": (128, 10_240),
    "max_size_mb": (0.001, 60),
    **event_source_limits.LIMITS,
}
_FORMS: Mapping[str, tuple[str, str]] = {
    "account_id": (r"[0-9]{12}", "twelve digits, in quotes"),
    "region": (r"[a-z]{2,4}(-[a-z]+)+-[0-9]+", 'a region such as "eu-west-1"'),
    "setup": (r"[\w.]+:[\w.]+", '"module:function"'),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimCheckSettings:
    """
    From where payloads may be fetched that messages only point to.

    Attributes:
        buckets: Their names, or globs of names; without any, nothing is fetched.
        max_size_mb: What is larger is not fetched; fixtures lie in git.
    """

    buckets: tuple[str, ...] = ()
    max_size_mb: float = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareSettings:
    """
    How what two targets answer is compared.

    Attributes:
        ignore: JSONPaths (RFC 9535) of what does not count.
    """

    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """
    What a project says in `[tool.replay]`, every path absolute.

    Attributes:
        root: Where the project begins (see `find_root`).
        fixtures: The folder of the fixtures.
        functions: The configured functions by name.
        templates: The templates that the configuration names; without any, the catalog searches for them.
        parameters: Values for the templates' parameters.
        sources: The options of named sources, checked by the source that takes them.
        targets: The options of named targets, checked by the target that takes them.
        redaction: The rules of redaction, checked by redaction.
        claim_checks: From where payloads may be fetched.
        compare: How what two targets answer is compared.
    """

    root: Path
    fixtures: Path
    functions: Mapping[str, FunctionSettings] = field(default_factory=dict)
    templates: tuple[Path, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    targets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    redaction: Mapping[str, Any] = field(default_factory=dict)
    claim_checks: ClaimCheckSettings = field(default_factory=ClaimCheckSettings)
    compare: CompareSettings = field(default_factory=CompareSettings)

    def catalog(self) -> Catalog:
        """Give the catalog of the project's functions; no template is read yet."""
        return build_catalog(
            root=self.root, settings=self.functions, templates=self.templates, parameters=self.parameters
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """The keys of `[tool.replay]` and their types."""

    fixtures: Path = Path(FIXTURES_FOLDER)
    template: Path | tuple[Path, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    targets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    redaction: Mapping[str, Any] = field(default_factory=dict)
    claim_checks: ClaimCheckSettings = field(default_factory=ClaimCheckSettings)
    compare: CompareSettings = field(default_factory=CompareSettings)


def load_config(start: Path | None = None) -> Config:
    """
    Read the configuration of the project around *start* (default: the working directory).

    See `find_root` for where the project begins.

    Raises:
        ConfigurationError: The file cannot be read, or says something that cannot be used.
    """
    here = (start or Path.cwd()).absolute()
    sections = {path: _read_section(path) for path in configuration_files(here)}
    root = find_root(here, is_configured=lambda path: sections[path] is not None)
    path = root / CONFIGURATION_FILE
    table = _Table(**read_table(_Table, sections.get(path) or {}, where=f"{path} [tool.replay]", root=root))
    templates = table.template if isinstance(table.template, tuple) else (table.template,)
    return Config(
        root=root,
        fixtures=root / table.fixtures,
        functions={name: _function(name, settings, path) for name, settings in table.functions.items()},
        templates=templates,
        parameters=table.parameters,
        sources=table.sources,
        targets=table.targets,
        redaction=table.redaction,
        claim_checks=table.claim_checks,
        compare=table.compare,
    )


def _read_section(path: Path) -> Mapping[str, Any] | None:
    try:
        content = tomllib.loads(path.read_bytes().decode("utf-8"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(
            f"not valid TOML: {error}", where=str(path), hint=f"correct {CONFIGURATION_FILE}"
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(
            "not UTF-8 text", where=str(path), hint=f"save {CONFIGURATION_FILE} as UTF-8"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"cannot be read: {error.strerror}", where=str(path)) from None
    tool = content.get("tool", {})
    section = tool.get("replay") if isinstance(tool, dict) else None
    if section is None or isinstance(section, dict):
        return section
    raise ConfigurationError("tool.replay is not a table", where=str(path), expected="[tool.replay]")


def _function(name: str, settings: Mapping[str, Any], path: Path) -> FunctionSettings:
    # Its name becomes a folder of fixtures.
    if not name or name in {".", ".."} or set(name) & set('/\\:*?"<>|') or not name.isprintable():
        raise ConfigurationError(
            f"{name!r} cannot name a function",
            where=f"{path} [tool.replay.functions]",
            expected="a name that can also be a folder",
            hint="rename the section",
        )
    where = f"{path} [tool.replay.functions.{name}]"
    values = read_table(FunctionSettings, settings, where=where, root=path.parent)
    if "event_source" in values:
        source = values["event_source"]
        values["event_source"] = read_table(EventSource, source, where=f"{where} event_source", root=path.parent)
    return FunctionSettings(**values)


def read_table(shape: type[Any], table: Mapping[str, Any], *, where: str, root: Path) -> dict[str, Any]:
    """
    Check a TOML table against the fields of the dataclass *shape*, and give its values in their types.

    Only keys that are there are in the answer. Lists become tuples, and paths become absolute, seen from *root*.

    Args:
        where: The file and section, for errors.

    Raises:
        ConfigurationError: A key is unknown, or a value is of another type or beyond AWS's limits.
    """
    hints = get_type_hints(shape)
    known = {item.name.rstrip("_"): item.name for item in fields(shape)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            raise ConfigurationError(
                f"unknown key {key!r}",
                where=where,
                expected=f"one of: {', '.join(known)}",
                hint=f"did you mean {near[0]!r}?" if near else "remove it",
            )
        name = known[key]
        values[name] = _Value(key, where, root).read(value, hints[name])
        _check_limits(key, values[name], where)
        _check_form(key, values[name], where)
    return values


def _check_limits(key: str, value: Any, where: str) -> None:
    if key in _LIMITS and isinstance(value, int | float):
        low, high = _LIMITS[key]
        if not low <= value <= high:
            _refuse(key, value, f"a number from {low:,} to {high:,}", where)


def _check_form(key: str, value: Any, where: str) -> None:
    if key in _FORMS and isinstance(value, str):
        form, expected = _FORMS[key]
        if not re.fullmatch(form, value):
            _refuse(key, value, expected, where)


def _visible(name: str) -> str:
    return name if name.isprintable() else repr(name)


def _refuse(key: str, value: Any, expected: str, where: str, hint: str = "") -> NoReturn:
    shown = repr(value) if not isinstance(value, dict | list) else type(value).__name__
    raise ConfigurationError(
        f"{key} = {shown} cannot be used",
        where=where,
        expected=f"{key} = {expected}",
        hint=hint or f"correct {CONFIGURATION_FILE}",
    )


@dataclass(frozen=True, slots=True)
class _Value:
    """One value on its way from TOML to its type; `key` and `where` are for errors."""

    key: str
    where: str
    root: Path

    def read(self, value: Any, wanted: Any) -> Any:
        origin, parts = get_origin(wanted), get_args(wanted)
        if origin in {Union, types.UnionType}:
            return self._union(value, [part for part in parts if part is not type(None)])
        if origin is Literal:
            return self._choice(value, parts)
        if origin is tuple:
            return self._sequence(value, parts[0])
        if origin is MappingType:
            return self._mapping(value, parts[1])
        if is_dataclass(wanted) and isinstance(wanted, type):
            return self._values(value, wanted)
        return self._scalar(value, wanted)

    def _union(self, value: Any, parts: Sequence[Any]) -> Any:
        fitting = [part for part in parts if (get_origin(part) is tuple) == isinstance(value, list)]
        return self.read(value, (fitting or parts)[0])

    def _choice(self, value: Any, choices: tuple[str, ...]) -> Any:
        if value in choices:
            return value
        near = difflib.get_close_matches(str(value), choices, n=1)
        expected = f"one of: {', '.join(choices)}"
        return _refuse(self.key, value, expected, self.where, f"did you mean {near[0]!r}?" if near else "")

    def _sequence(self, value: Any, part: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            what = "tables" if is_dataclass(part) else "paths" if part is Path else "texts"
            _refuse(self.key, value, f"a list of {what}", self.where)
        return tuple(
            _Value(f"{self.key}[{number}]", self.where, self.root).read(item, part) for number, item in enumerate(value)
        )

    def _mapping(self, value: Any, part: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            _refuse(self.key, value, "a table", self.where)
        return {
            name: _Value(f"{self.key}.{_visible(name)}", self.where, self.root).read(item, part)
            for name, item in value.items()
        }

    def _values(self, value: Any, shape: type[Any]) -> Any:
        if not isinstance(value, dict):
            _refuse(self.key, value, "a table", self.where)
        where = f"{self.where} {self.key}"
        values = read_table(shape, value, where=where, root=self.root)
        missing = [item.name for item in fields(shape) if item.default is MISSING and item.name not in values]
        if missing:
            raise ConfigurationError(f"there is no {missing[0]!r}", where=where, hint=f"correct {CONFIGURATION_FILE}")
        return shape(**values)

    def _scalar(self, value: Any, wanted: Any) -> Any:
        if wanted is Any:
            return value
        if wanted is Path and isinstance(value, str) and value:
            return Path(value) if value == "-" else self.root / value  # - is standard input, as everywhere
        if wanted is float and isinstance(value, int | float) and not isinstance(value, bool):
            return value
        if wanted is not Path and type(value) is wanted:
            return value
        quote = f'write it in quotes: "{value}"' if wanted is str and isinstance(value, int | float) else ""
        return _refuse(self.key, value, _WORDS[wanted], self.where, quote)


_WORDS: Mapping[Any, str] = {
    str: '"text"',
    Path: '"a path"',
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}
