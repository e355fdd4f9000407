"""The `localstack` target: the function as it is deployed on LocalStack."""

from dataclasses import dataclass

from replay.targets.lambda_ import LambdaOptions, LambdaTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalstackOptions(LambdaOptions):
    """
    Which function of which LocalStack answers.

    Attributes:
        endpoint_url: `localstack` for the LocalStack of `LOCALSTACK_HOST`, else the one on this machine.
    """

    endpoint_url: str | None = "localstack"


class LocalstackTarget(LambdaTarget):
    """
    A function that is deployed on LocalStack, invoked as the `lambda` target invokes it.

    A LocalStack on another machine (`LOCALSTACK_HOST`) is beyond this machine like any other account.
    """

    name = "localstack"
    options = LocalstackOptions
