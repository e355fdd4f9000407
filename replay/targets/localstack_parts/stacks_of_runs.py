"""What runs have made on LocalStack: left by a killed one, made by this one, or in use by another."""

from collections.abc import Sequence
from datetime import UTC, datetime

from replay.errors import AwsError, TargetError
from replay.readers.aws_errors import aws_errors
from replay.sources.archive_parts.owners import this_process
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.localstack_parts.made_stack import OF_SIBLINGS
from replay.targets.localstack_parts.our_stacks import OURS, OurThing, holds_function

_NOT_ENABLED = "is not enabled"
"""What LocalStack says of a service that its variable SERVICES leaves out: no run can have made anything there."""


class StacksOfRuns:
    """Looks at LocalStack for what runs have made, and for the function *deployed* in it."""

    def __init__(self, clients: TargetClients, deployed: str) -> None:
        self._clients, self._deployed = clients, deployed
        self._unseen: dict[str, str] = {}

    @property
    def not_seen(self) -> Sequence[str]:
        """Sentences about what could not be looked at."""
        return [f"what killed runs may have left in {name} is not known: {why}" for name, why in self._unseen.items()]

    def left(self) -> list[OurThing]:
        """List what killed runs have left; what cannot be looked at is noted, and the rest is found all the same."""
        now = datetime.now(UTC)
        return [each for each in self._made(*OURS) if each.was_left(now)]

    def of_this_run(self) -> str:
        """
        Name the stack in which this run has made the function already; empty where no run has.

        Raises:
            TargetError: Another run has, and removes it behind itself.
            AwsError: A stack cannot be looked into.
        """
        made = (each for each in self._made("cloudformation") if each.mark is not None)
        for each in filter(self.holds_it, made):
            if each.name in OF_SIBLINGS or (each.mark is not None and each.mark.owner == this_process()):
                return each.name
            raise TargetError(
                f"another run has made the function {self._deployed} on LocalStack, and removes it behind itself",
                where=each.what,
                expected="one run at a time, or a function that stays there",
                hint="wait until it has ended; or deploy the function yourself (samlocal, cdklocal)",
            )
        return ""

    def holds_it(self, thing: OurThing) -> bool:
        """
        Say whether *thing* is the stack that has made the function.

        Raises:
            AwsError: It cannot be looked into.
        """
        client = self._clients("cloudformation")
        return thing.what.startswith("stack ") and holds_function(client, thing.name, self._deployed)

    def _made(self, *services: str) -> list[OurThing]:
        found: list[OurThing] = []
        for service in services:
            try:
                with aws_errors(where=service, service=service):
                    found.extend(OURS[service](self._clients(service)))  # also what was found before an error
            except AwsError as error:
                if _NOT_ENABLED not in f"{error}":
                    self._unseen[service] = error.what
        return found
