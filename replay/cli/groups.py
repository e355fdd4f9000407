"""A command that has commands, and knows what a misspelt one was meant to be."""

from difflib import get_close_matches

import click

from replay.errors import ConfigurationError


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called; a subclass says which there are."""

    noun = "command"

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """
        Find the command of the first argument.

        Raises:
            ConfigurationError: There is none of that name.
        """
        name = args[0]
        if name.startswith("-") or self.get_command(ctx, name) is not None:
            return super().resolve_command(ctx, args)
        known = self.list_commands(ctx)
        near = get_close_matches(name, known, n=1)
        raise ConfigurationError(
            f"there is no {self.noun} {name[:80]!r}",
            expected=f"one of {', '.join(known)}",
            hint=f"did you mean `{ctx.command_path} {near[0]}`?" if near else self.advice(ctx, name),
        )

    def advice(self, ctx: click.Context, name: str) -> str:
        """Say what to do where nothing is called *name*, nor nearly so."""
        del name
        return f"{ctx.command_path} --help"
