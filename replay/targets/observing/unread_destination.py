"""A destination of failed or done invocations that keeps nothing which could be read: a topic, a bus, a function."""

from collections.abc import Sequence

from replay.targets.carrier import Sighting, Sought

_WORDS = {"sns": "topic", "events": "bus", "lambda": "function"}
_SERVICE_PART, _NAME_PART = 2, 5


class UnreadDestination:
    """
    Says of the destination *arn* that it is not looked into, and what tells instead.

    To see what arrives there a subscription or a rule would have to be made: nothing is changed for being observed.
    """

    def __init__(self, arn: str) -> None:
        parts = [*arn.split(":", _NAME_PART), *[""] * _NAME_PART]
        name = parts[_NAME_PART].removeprefix("function:").removeprefix("event-bus/")
        self._named = f"the {_WORDS.get(parts[_SERVICE_PART], 'destination')} {name or arn}"

    @property
    def place(self) -> str:
        """What is not looked at, for eyes."""
        return f"but not in {self._named} (its log tells what goes there)"

    def begin(self) -> None:
        """Do nothing."""

    def look(self, sought: Sequence[Sought]) -> Sequence[Sighting]:
        """Give nothing."""
        del sought
        return ()

    def close(self) -> Sequence[str]:
        """Give nothing back."""
        return ()

    def reason(self) -> str:
        """Say why it is not seen here."""
        return f"{self._named}, where its outcomes go, keeps nothing that could be read: only the function's log tells"
