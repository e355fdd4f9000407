"""Where a template is imagined to be deployed, when its functions run locally."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from replay.payloads.partitions import partition_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What a template's pseudo parameters and parameters stand for; the defaults are those of moto."""

    region: str = "us-east-1"
    account_id: str = "123456789012"
    stack_name: str = "local"
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def partition(self) -> str:
        """`aws`, or that of China, GovCloud or another one, as the region says."""
        return partition_of(self.region).id

    @property
    def url_suffix(self) -> str:
        return partition_of(self.region).dns_suffix

    def pseudo_parameters(self) -> dict[str, str | list[str]]:
        """Give the values of `AWS::Region` and its like; `AWS::NoValue` is not among them."""
        stack = f"arn:{self.partition}:cloudformation:{self.region}:{self.account_id}:stack/{self.stack_name}/local"
        return {
            "AWS::AccountId": self.account_id,
            "AWS::NotificationARNs": [],
            "AWS::Partition": self.partition,
            "AWS::Region": self.region,
            "AWS::StackId": stack,
            "AWS::StackName": self.stack_name,
            "AWS::URLSuffix": self.url_suffix,
        }
