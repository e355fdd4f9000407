"""What replaying beyond this process needs of a project, and what a target is to it."""

from collections.abc import Sequence
from typing import Protocol

from replay.config import Config
from replay.errors import FunctionError
from replay.fixtures.fixture import FixtureReference
from replay.fixtures.store import Store
from replay.functions.catalog import Catalog
from replay.functions.function import Function
from replay.redaction.redactor import Redactor
from replay.targets.base import Invoker
from replay.targets.bulk import Bulk
from replay.targets.carrier import Carrier


class Project(Protocol):
    """The part of a project that this needs."""

    @property
    def config(self) -> Config:
        """Its configuration."""

    @property
    def store(self) -> Store:
        """Its fixtures."""

    @property
    def fixtures_option(self) -> tuple[str, ...]:
        """What a command needs to find the same fixtures."""

    @property
    def catalog(self) -> Catalog:
        """Its functions."""

    @property
    def redactor(self) -> Redactor:
        """What keeps effects clean."""

    def open_invoker(self, function: Function, *, target: str = "local", cold: bool = False) -> Invoker:
        """Make a target ready to invoke *function*."""


def function_of(project: Project, name: str) -> Function:
    """Give the function *name*; one that is deployed need not be known here."""
    try:
        return project.catalog.get(name)
    except FunctionError:
        return Function(name=name, handler="", code=project.config.root)


def gives_answers(project: Project, references: Sequence[FixtureReference], target: str) -> bool:
    """
    Say whether all that *target* receives is answered; what AWS itself delivers is not.

    Raises:
        ConfigurationError: There is no such target.
    """
    names = dict.fromkeys(reference.function for reference in references)
    invokers = (project.open_invoker(function_of(project, name), target=target) for name in names)
    return all(not isinstance(invoker, Carrier) or invoker.answers for invoker in invokers)


def is_invoked(project: Project, references: Sequence[FixtureReference], target: str) -> bool:
    """
    Say whether *target* is invoked event by event, and neither sent to nor handed all at once.

    Raises:
        ConfigurationError: There is no such target.
    """
    invoker = invoker_of(project, references, target)
    return not isinstance(invoker, Bulk) and gives_answers(project, references, target)


def invoker_of(project: Project, references: Sequence[FixtureReference], target: str) -> Invoker | None:
    """Make the target of the first of *references*; None where there are none."""
    names = list(dict.fromkeys(reference.function for reference in references))
    return project.open_invoker(function_of(project, names[0]), target=target) if names else None
