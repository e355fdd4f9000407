"""A few keys of a bucket that show how its objects lie: the first and the last of each folder, by few calls."""

from dataclasses import dataclass, field
from typing import Any

from replay.readers.aws_errors import aws_errors

_MOST_CALLS = 60
_MOST_KEYS = 5
_ACCOUNT_DIGITS = 12


@dataclass(slots=True, kw_only=True)
class KeySample:
    """Keys of objects, first ones first; and the accounts and regions that folders are named after."""

    keys: list[str] = field(default_factory=list)
    accounts: set[str] = field(default_factory=set)
    regions: set[str] = field(default_factory=set)


def key_sample(client: Any, bucket: str, prefix: str) -> KeySample:
    """
    Go down into the first and the last folder of each level; of `AWSLogs/` into every account.

    Raises:
        AwsError: The bucket cannot be listed.
    """
    sample = KeySample()
    ahead = [prefix]
    calls = 0
    while ahead and calls < _MOST_CALLS:
        at = ahead.pop(0)
        calls += 1
        with aws_errors(where=f"s3://{bucket}/{at}", service="s3"):
            page = client.list_objects_v2(Bucket=bucket, Prefix=at, Delimiter="/")
        folders = [each["Prefix"] for each in page.get("CommonPrefixes", ())]
        held = [each["Key"] for each in page.get("Contents", ()) if each["Size"] and not each["Key"].endswith("/")]
        sample.keys += held[:_MOST_KEYS]
        accounts = [each for each in folders if _is_account(each)]
        sample.accounts |= {each.split("/")[-2] for each in accounts}
        if _is_account("/".join(at.split("/")[:-2]) + "/"):
            sample.regions |= {each.split("/")[-2] for each in folders}
        visible = [each for each in folders if _holds_logs(each.rstrip("/").rpartition("/")[2])]
        ahead += accounts or list(dict.fromkeys([*visible[:1], *visible[-1:]]))
    return sample


def _holds_logs(name: str) -> bool:
    """Leave out what Athena does not read either, and what CloudTrail writes beside its logs."""
    return not name.startswith(("_", ".")) and name not in {"CloudTrail-Digest", "CloudTrail-Insight"}


def _is_account(folder: str) -> bool:
    *before, name = folder.rstrip("/").split("/")
    under = bool(before) and (before[-1] == "AWSLogs" or before[-2:-1] == ["AWSLogs"])
    return under and len(name) == _ACCOUNT_DIGITS and name.isdecimal()
