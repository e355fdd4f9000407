"""The functions that templates declare, and which of them a name means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from replay.errors import FunctionError
from replay.functions.stacks import Stack, function_name

_CDK_HASH = re.compile(r"[0-9A-F]{8}$")
_FUNCTION_SUFFIX = re.compile(r"(lambda)?function$")


@dataclass(frozen=True, slots=True)
class DeclaredFunction:
    """A function as a template declares it, not yet made ready to run."""

    stack: Stack
    logical_id: str

    @property
    def name(self) -> str:
        return function_name(self.stack, self.logical_id)

    @property
    def where(self) -> str:
        return self.stack.document.where(self.logical_id)


def declared_in(stack: Stack) -> list[DeclaredFunction]:
    """List the functions of a stack in its template's order."""
    return [DeclaredFunction(stack, logical_id) for logical_id in stack.functions]


def choose(name: str, declared: Sequence[DeclaredFunction]) -> DeclaredFunction | None:
    """
    Find the function that *name* means, by the more exact match before the less; None when there is none.

    Raises:
        FunctionError: More than one is meant equally well.
    """
    tiers = (
        [item for item in declared if item.name == name],
        [item for item in declared if item.logical_id == name],
        [item for item in declared if plain(name) in {plain(item.name), plain(item.logical_id)}],
        [item for item in declared if plain(name) in _short_forms(item)],
    )
    for found in tiers:
        if len(found) > 1:
            raise FunctionError(
                f"{name!r} could be any of {len(found)} functions",
                where=", ".join(item.where for item in found),
                expected="one function",
                hint=f'say which: [tool.replay.functions.{name}] template = "…", logical_id = "…"',
            )
        if found:
            return found[0]
    return None


def plain(name: str) -> str:
    """Write a name without what people forget: its case, dashes and underscores."""
    return re.sub(r"[-_]", "", name).lower()


def _short_forms(item: DeclaredFunction) -> set[str]:
    """Give what a function is also called: without its stack's name, CDK's hash, and the word function."""
    names = (
        item.logical_id,
        _CDK_HASH.sub("", item.logical_id),
        item.name.removeprefix(f"{item.stack.deployment.stack_name}-"),
    )
    forms = {plain(name) for name in names}
    return (forms | {_FUNCTION_SUFFIX.sub("", form) for form in forms}) - {""}
