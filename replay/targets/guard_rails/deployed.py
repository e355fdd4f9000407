"""The seam of every target that is reached through an endpoint of AWS: nothing is sent before it was checked."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Any, ClassVar, Self

from replay.errors import TargetError
from replay.payloads.aws_calls import Fault
from replay.targets.base import Invoker
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.guard_rails.destination import Destination, check_destination, require_account_id
from replay.targets.guard_rails.identity import read_account_aliases, read_caller
from replay.targets.guard_rails.one_place import AWS, Asked
from replay.targets.guard_rails.options import DeployedOptions
from replay.targets.guard_rails.this_machine import is_on_this_machine


class Deployed(Invoker):
    """
    A target with an endpoint and an ARN.

    Entering it reads and checks the destination, whoever enters: no way of using it goes around the guard rails.
    """

    options: ClassVar[type[Any]] = DeployedOptions
    named_by: ClassVar[str]
    """The option that `--target KIND:NAME` sets."""
    lasts: ClassVar[bool] = False
    """Whether it makes what is dear on entering, for all of this process: who replays one by one keeps one entered."""

    @property
    def made(self) -> str:
        """What this one has made on entering, by name, and removes on leaving; empty for most."""
        return ""

    @property
    def left(self) -> Sequence[str]:
        """Sentences about what it has made and could not remove."""
        return ()

    @classmethod
    def share(cls, made: Iterable[str]) -> None:
        """Use what other processes of this run have *made*, by name, like one's own; they remove it."""
        del made

    def __enter__(self) -> Self:
        """
        Check where it leads.

        Raises:
            TargetRefused: It could hurt an account.
            AwsError: It could not be looked at.
        """
        self.checked_destination()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing: what was sent was sent."""

    def begin(self, *, at: datetime | None = None, faults: Sequence[Fault] = ()) -> None:
        """
        Start a fixture; nothing is brought back to what it was.

        Raises:
            TargetError: Faults were asked for, and a deployed function's calls of AWS cannot be made to fail.
        """
        del at
        if faults:
            raise TargetError(
                "the calls of a deployed function cannot be made to fail",
                where=", ".join(fault.call for fault in faults),
                hint="replay this fixture with --target local",
            )

    @property
    def answers(self) -> bool:
        """Whether it answers by itself; what becomes of what is sent to the others has to be observed."""
        return True

    @property
    def takes_turns(self) -> bool:
        """Whether other processes had better send nothing meanwhile: what is behind it is told by times in its log."""
        return not self.answers

    @property
    def serves_many(self) -> bool:
        """Whether events of several functions may go there: what it leads to hands each to its own."""
        return False

    @property
    @abstractmethod
    def described(self) -> DeployedOptions:
        """The options that say where it is."""

    @abstractmethod
    def destination(self) -> Destination:
        """
        Ask AWS what it is, tags included; nobody has checked it yet.

        Raises:
            AwsError: There is no such thing, or it may not be looked at.
        """

    def checked_destination(self) -> Destination:
        """
        Give the destination, after all checks.

        Raises:
            TargetRefused: It could hurt an account.
            AwsError: It could not be looked at.
        """
        destination = self.destination()
        check_destination(destination, self.described)
        return destination


def described(
    options: DeployedOptions,
    *,
    target: str,
    arn: str,
    region: str,
    endpoint_url: str,
    beside: Asked | None = None,
    **known: Any,
) -> Destination:
    """
    Complete what a target knows of its destination by who is asking.

    Args:
        beside: Who has told of it, where that is not *endpoint_url*: STS and IAM must be in the same place.
        known: `tags` and `seen_by`.

    Raises:
        TargetRefused: It is beyond this machine, and its account is not named, before anybody is asked; or another
            than who has told of it would say who is asking, such as an emulator, although the target is on AWS.
        AwsError: The caller is not known.
    """
    if is_on_this_machine(endpoint_url):
        return Destination(target=target, arn=arn, region=region, on_this_machine=True, **known)
    require_account_id(target, options, arn=arn)
    told_of = beside or Asked.at(f"the target {target}", endpoint_url)
    clients = TargetClients(replace(options, region=region), beside=told_of)
    caller = read_caller(clients)
    return Destination(
        target=target,
        arn=arn,
        region=region,
        caller_account_id=caller.account_id,
        caller_arn=caller.arn,
        account_aliases=read_account_aliases(clients),
        emulated_at="" if told_of.place == AWS else endpoint_url,
        **known,
    )
