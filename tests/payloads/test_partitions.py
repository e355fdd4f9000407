"""AWS's partitions: which hosts are AWS, and which partition a region is of."""

import re
from pathlib import Path

import pytest
from botocore.loaders import Loader

from replay.functions.deployment import Deployment
from replay.functions.function import Function
from replay.payloads.partitions import PARTITIONS, is_aws_url, partition_of


def botocore_partitions() -> list[dict]:
    return Loader().load_data("partitions")["partitions"]


def test_the_table_is_that_of_botocore() -> None:
    """A partition that botocore learns of makes this fail until it stands in the table."""
    known = {each["id"]: each for each in botocore_partitions()}
    assert {each.id for each in PARTITIONS} == set(known)
    for each in PARTITIONS:
        theirs = known[each.id]
        assert (each.dns_suffix, each.dual_stack_dns_suffix) == (
            theirs["outputs"]["dnsSuffix"],
            theirs["outputs"]["dualStackDnsSuffix"],
        )
        assert re.compile(f"^{each.regions}$") == re.compile(theirs["regionRegex"].replace(r"\-", "-"))


@pytest.mark.parametrize("partition", botocore_partitions(), ids=lambda partition: partition["id"])
def test_every_region_has_its_partition(partition: dict) -> None:
    """Names, suffixes and ARNs follow the partition of the region."""
    for region in partition["regions"]:
        if region.endswith("-global"):
            continue
        assert partition_of(region).id == partition["id"]
        deployment = Deployment(region=region)
        assert (deployment.partition, deployment.url_suffix) == (partition["id"], partition["outputs"]["dnsSuffix"])
        function = Function(name="f", handler="a.b", code=Path(), region=region)
        assert function.arn.startswith(f"arn:{partition['id']}:lambda:{region}:")


@pytest.mark.parametrize("partition", botocore_partitions(), ids=lambda partition: partition["id"])
@pytest.mark.parametrize("suffix", ["dnsSuffix", "dualStackDnsSuffix"])
def test_every_endpoint_is_aws(partition: dict, suffix: str) -> None:
    """Queues of each partition are known as AWS's own, also through a VPC endpoint."""
    region, ending = partition["outputs"]["implicitGlobalRegion"], partition["outputs"][suffix]
    assert is_aws_url(f"https://sqs.{region}.{ending}")
    assert is_aws_url(f"https://SQS.{region}.{ending}:443/123456789012/orders")
    assert is_aws_url(f"https://vpce-0a1b.sqs.{region}.vpce.{ending}/")


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:4566", "http://sqs.us-east-1.localhost.localstack.cloud:4566", "http://127.0.0.1:4566/amazonaws.com/x",
        "https://amazonaws.com.example.org", "https://notamazonaws.com", "https://example.com/?x=.amazonaws.com", "", "http://[",
    ],
)  # fmt: skip
def test_an_emulator_is_not_aws(url: str) -> None:
    """Only the host decides, and only its end."""
    assert not is_aws_url(url)
