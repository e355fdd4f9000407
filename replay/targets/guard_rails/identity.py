"""Who is asking, and in which account: what STS and IAM say."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from replay.errors import AwsError
from replay.readers.aws_errors import aws_errors
from replay.targets.guard_rails.clients import TargetClients


class Caller(NamedTuple):
    """The identity behind the credentials."""

    account_id: str
    arn: str


def read_caller(clients: TargetClients) -> Caller:
    """
    Ask STS whose the credentials are; it needs no permission.

    Raises:
        TargetRefused: STS is elsewhere than the target.
        AwsError: There are no credentials, or they are not valid.
    """
    client = clients("sts")
    with aws_errors(where="the caller's identity", service="sts"):
        answer = client.get_caller_identity()
    return Caller(str(answer["Account"]), str(answer["Arn"]))


def read_account_aliases(clients: TargetClients) -> tuple[str, ...] | None:
    """
    Ask IAM for the account's alias (there is at most one); None where that is not allowed.

    Raises:
        TargetRefused: IAM is elsewhere than the target: the alias of an emulator is not that of the account.
        AwsError: It could not be asked for another reason.
    """
    client = clients("iam")
    found: list[str] | None = unless_denied(lambda: client.list_account_aliases()["AccountAliases"], service="iam")
    return None if found is None else tuple(found)


def unless_denied(read: Callable[[], Any], *, service: str, where: str = "") -> Any:
    """
    Give what *read* gives, or None where AWS does not allow it.

    Raises:
        AwsError: It failed for another reason.
    """
    try:
        with aws_errors(where=where, service=service):
            return read()
    except AwsError as error:
        if error.what.startswith("AWS denied "):
            return None
        raise


def tags_of(pairs: object) -> Mapping[str, str]:
    """Read tags in either of AWS's two forms: an object, or a list of `Key` and `Value`."""
    if isinstance(pairs, Mapping):
        return {str(key): str(value) for key, value in pairs.items()}
    listed = pairs if isinstance(pairs, list) else []
    return {str(each["Key"]): str(each.get("Value", "")) for each in listed}
