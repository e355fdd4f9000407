"""
The partitions of AWS: which region lies in which, and how their endpoints are called.

Source: botocore's `partitions.json`, with which a test compares this table.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition: `regions` is the pattern of its regions' names; the suffixes are those of endpoints."""

    id: str
    regions: str
    dns_suffix: str
    dual_stack_dns_suffix: str


_STANDARD = Partition("aws", r"(us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+", "amazonaws.com", "api.aws")
PARTITIONS = (
    _STANDARD,
    Partition("aws-cn", r"cn-\w+-\d+", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    Partition("aws-eusc", r"eusc-(de)-\w+-\d+", "amazonaws.eu", "api.amazonwebservices.eu"),
    Partition("aws-iso", r"us-iso-\w+-\d+", "c2s.ic.gov", "api.aws.ic.gov"),
    Partition("aws-iso-b", r"us-isob-\w+-\d+", "sc2s.sgov.gov", "api.aws.scloud"),
    Partition("aws-iso-e", r"eu-isoe-\w+-\d+", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    Partition("aws-iso-f", r"us-isof-\w+-\d+", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    Partition("aws-us-gov", r"us-gov-\w+-\d+", "amazonaws.com", "api.aws"),
)
ENDPOINT_SUFFIXES = tuple(
    {f".{suffix}": None for each in PARTITIONS for suffix in (each.dns_suffix, each.dual_stack_dns_suffix)}
)
"""What the names of AWS's own endpoints end in, with the dot before it."""


@lru_cache(maxsize=64)
def partition_of(region: str) -> Partition:
    """Give the partition of *region*; that of most accounts for a region that nobody knows."""
    return next((each for each in PARTITIONS if re.fullmatch(each.regions, region)), _STANDARD)


def is_aws_host(host: str) -> bool:
    """Say whether *host* is one of AWS's endpoints, in any partition."""
    return host.lower().rstrip(".").endswith(ENDPOINT_SUFFIXES)


def is_aws_url(url: str) -> bool:
    """Say whether *url* leads to AWS itself, and not to an emulator."""
    try:
        return is_aws_host(urlsplit(url).hostname or "")
    except ValueError:
        return False
