"""What other packages add to replay by entry points: sources, envelopes and targets."""

import inspect
from typing import TYPE_CHECKING, Any

from replay.errors import ConfigurationError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def load_extension(entry: "EntryPoint", kind: type[Any]) -> type[Any]:
    """
    Import what *entry* names, which must be a class of *kind*.

    Raises:
        ConfigurationError: It cannot be imported, or is something else.
    """
    try:
        loaded = entry.load()
    except Exception as error:  # another package's module may raise anything
        raise ConfigurationError(
            f"the {kind.__name__.lower()} {entry.name!r} of another package cannot be imported: {type(error).__name__}",
            where=f"entry point {entry.name} = {entry.value}",
            hint="mend or uninstall that package",
        ) from error
    if not (inspect.isclass(loaded) and issubclass(loaded, kind)) or inspect.isabstract(loaded):
        raise ConfigurationError(
            f"{entry.value} is no {kind.__name__.lower()}",
            where=f"entry point {entry.name} = {entry.value}",
            expected=f"a subclass of {kind.__module__}.{kind.__name__} that lacks none of its methods",
            hint="mend or uninstall that package",
        )
    return loaded
