"""What AWS must allow, as each source declares it; `replay doctor --source` writes it as a policy and checks it."""

from dataclasses import dataclass

from replay.payloads.partitions import partition_of

ANY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """
    IAM `actions` (`sqs:ReceiveMessage`) that must be allowed on `resources` (ARNs, or `*` where none is narrower).

    `why` completes "it is needed to …". Without one that is `optional` recording goes on, and says what it lacks.
    `opened`: `Source.open` makes these very calls, so that opening the source shows whether they are allowed.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...] = (ANY,)
    why: str
    optional: bool = False
    opened: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsPlace:
    """The region and account that a source is in, as far as they are known; `*` is any."""

    region: str = ANY
    account_id: str = ANY

    def arn(self, service: str, resource: str, *, region: str = "", account_id: str = "") -> str:
        """Write the ARN of *resource* (`table/orders`) here, or in the *region* and account that are known better."""
        where = region or self.region
        return f"arn:{partition_of(where).id}:{service}:{where}:{account_id or self.account_id}:{resource}"

    def bucket_arn(self, bucket: str, keys: str = "") -> str:
        """Write the ARN of a bucket, or of its objects whose keys fit *keys* (`logs/*`); S3's ARNs name no account."""
        named = bucket if bucket.startswith("arn:") else f"arn:{partition_of(self.region).id}:s3:::{bucket}"
        if not keys:
            return named
        return f"{named}/object/{keys}" if ":accesspoint/" in named else f"{named}/{keys}"
