"""A place in S3, and whose it is."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from replay.errors import ConfigurationError, TargetRefused
from replay.readers.aws_errors import aws_errors, error_code
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.guard_rails.deployed import described
from replay.targets.guard_rails.destination import Destination, check_destination, require_account_id
from replay.targets.guard_rails.identity import tags_of, unless_denied
from replay.targets.guard_rails.options import DeployedOptions
from replay.targets.guard_rails.this_machine import is_on_this_machine

_URI = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*))?", re.DOTALL)
_MOST_KEY_BYTES = 900
_NO_TAGS = "NoSuchTagSet"


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Place:
    """A bucket, and what keys in it begin with; without a slash at either end."""

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}" if self.prefix else f"s3://{self.bucket}"

    def below(self, name: str) -> "S3Place":
        """Give the place *name* below this one."""
        return S3Place(bucket=self.bucket, prefix=f"{self.prefix}/{name}" if self.prefix else name)


def place_of_uri(uri: str, *, where: str) -> S3Place:
    """
    Read `s3://BUCKET/PREFIX`.

    Raises:
        ConfigurationError: It is none.
    """
    found = _URI.fullmatch(uri)
    prefix = (found["prefix"] or "").strip("/") if found else ""
    if found is None or not prefix.isprintable() or len(prefix.encode()) > _MOST_KEY_BYTES:
        raise ConfigurationError("that is no place in S3", where=f"{where} {uri!r}", expected="s3://BUCKET/PREFIX")
    return S3Place(bucket=found["bucket"], prefix=prefix)


class OwnedBucket:
    """
    A bucket that must be in the account of *options*: every request names its owner, so that S3 itself refuses.

    Source: S3 User Guide, "Verifying bucket ownership with bucket owner condition".

    Args:
        clients: Those of the target that it is for: they are in one place.
    """

    def __init__(self, name: str, options: DeployedOptions, *, clients: TargetClients | None = None) -> None:
        self.name, self._options = name, options
        self._clients = clients or TargetClients(options)

    @cached_property
    def client(self) -> Any:
        """The client for where it is."""
        return self._clients("s3")

    @property
    def owner(self) -> Mapping[str, str]:
        """The parameter that every request has; none on this machine, where emulators know no owners."""
        return {} if self.on_this_machine else {"ExpectedBucketOwner": self._options.account_id}

    @cached_property
    def on_this_machine(self) -> bool:
        """Whether its endpoint is."""
        return is_on_this_machine(str(self.client.meta.endpoint_url))

    def checked(self) -> Destination:
        """
        Check whose it is, before anything is written.

        Raises:
            TargetRefused: It is beyond this machine, and its account is not named; it is in another region; or it looks
                like production, or may not be looked at closely enough to tell.
            AwsError: There is no such bucket of this account, or it may not be looked at.
        """
        arn, target, where = f"arn:aws:s3:::{self.name}", f"s3:{self.name}", f"bucket {self.name}"
        client = self.client
        if not self.on_this_machine:
            require_account_id(target, self._options, arn=arn)
        with aws_errors(where=where, service="s3"):
            found = client.head_bucket(Bucket=self.name, **self.owner)
        region = str(client.meta.region_name)
        its_own = str(found.get("BucketRegion") or region)
        if its_own != region and not self.on_this_machine:
            raise TargetRefused(
                f"the bucket is in {its_own}, and the target's region is {region}",
                where=arn,
                expected="one region",
                hint=f'say it: region = "{its_own}" in the target\'s section',
            )
        destination = described(
            self._options,
            target=target,
            arn=arn,
            region=region,
            endpoint_url=str(client.meta.endpoint_url),
            tags=unless_denied(self._tags, service="s3", where=where),
            owner_account_id=self._options.account_id,
        )
        check_destination(destination, self._options)
        return destination

    def keys(self, prefix: str) -> Iterator[str]:
        """
        Give the keys that begin with *prefix*, in S3's order.

        Raises:
            AwsError: They may not be listed.
        """
        with aws_errors(where=f"s3://{self.name}/{prefix}", service="s3"):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix, **self.owner)
            for page in pages:
                yield from (str(each["Key"]) for each in page.get("Contents", ()))

    def _tags(self) -> Mapping[str, str]:
        from botocore.exceptions import ClientError

        try:
            return tags_of(self.client.get_bucket_tagging(Bucket=self.name, **self.owner).get("TagSet", []))
        except ClientError as error:
            if error_code(error) == _NO_TAGS:
                return {}
            raise
