"""Whether all that a target asks is in one place: an emulator knows nothing of AWS, and AWS nothing of an emulator."""

from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from replay.errors import TargetRefused
from replay.payloads.partitions import is_aws_url
from replay.targets.guard_rails.this_machine import is_on_this_machine

AWS = "AWS"


class Asked(NamedTuple):
    """
    Who is asked, and where.

    Attributes:
        what: In words: `SQS`, `the target staging`.
        place: `AWS`, `this machine`, or the host of an emulator elsewhere.
        variable: The one that leads boto3 there; empty where none does.
    """

    what: str
    url: str
    place: str
    variable: str = ""

    @classmethod
    def at(cls, what: str, url: str) -> Self:
        """Give who is asked at *url*."""
        return cls(what, url, place_of(url))

    @classmethod
    def by(cls, client: Any) -> Self:
        """Give whom a client of boto3 asks: whatever variables, profiles and options say, this is where it ends."""
        service, url = str(client.meta.service_model.service_id), str(client.meta.endpoint_url)
        return cls(service, url, place_of(url), f"AWS_ENDPOINT_URL_{service.replace(' ', '_').upper()}")


def place_of(url: str) -> str:
    """Name the place of an endpoint; see `Asked`."""
    if is_aws_url(url):
        return AWS
    return "this machine" if is_on_this_machine(url) else (urlsplit(url).hostname or url)


def refuse_two_places(known: Asked, other: Asked) -> None:
    """
    Refuse to ask *other* about what *known* has, where they are not in one place.

    Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints": each service may have one of its own, by a
    variable or in `~/.aws/config`.

    Raises:
        TargetRefused: One is on AWS and the other is not, or they are different emulators on different machines.
    """
    if _is_same(known.place, other.place):
        return
    own = [each.variable for each in (known, other) if each.variable and each.place != AWS]
    variables = " and ".join(["AWS_ENDPOINT_URL", *own])
    raise TargetRefused(
        f"{known.what} is on {known.place}, and {other.what} would be asked on {other.place}: "
        "the one knows nothing of the other",
        where=f"{known.url} and {other.url}",
        expected="all that a target needs on AWS, or all on one emulator",
        hint=f"to mean AWS, unset {variables} (and endpoint_url in ~/.aws/config); to mean the emulator, set "
        "AWS_ENDPOINT_URL alone, or endpoint_url in the target's section",
    )


def _is_same(one: str, other: str) -> bool:
    """Also a host below the other: emulators tell buckets and services by names before their own."""
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")
