"""What AWS must allow to replay an archive."""

from functools import partial

from replay.sources.archive_parts.archives import ArchiveAddress
from replay.sources.archive_parts.made_for_replay import PREFIX
from replay.sources.permissions import AwsPlace, Permission

_RULE = ("events:PutRule", "events:TagResource", "events:PutTargets", "events:RemoveTargets", "events:DeleteRule")
_QUEUE = ("sqs:CreateQueue", "sqs:TagQueue", "sqs:GetQueueUrl", "sqs:DeleteQueue")
_MESSAGES = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_REPLAY = ("events:StartReplay", "events:DescribeReplay", "events:CancelReplay")


def replay_permissions(address: ArchiveAddress, at: AwsPlace, *, region: str) -> tuple[Permission, ...]:
    """
    Declare what a recording of this archive needs: all that it makes bears our prefix.

    Source: Service Authorization Reference, "Amazon EventBridge" and "Amazon SQS".
    """
    here = partial(at.arn, region=region or address.region, account_id=address.account_id)
    archive, ours = here("events", f"archive/{address.name}"), f"{PREFIX}*"
    # On the default bus a rule's ARN has its name alone, on others the bus stands before it.
    rules = (here("events", f"rule/{ours}"), here("events", f"rule/*/{ours}"))
    return (
        Permission(actions=("events:DescribeArchive",), resources=(archive,), why="find the archive", opened=True),
        Permission(
            actions=("events:ListRules",),
            why="see which other rules a replay could reach",
            optional=True,
            opened=True,
        ),
        Permission(actions=_RULE, resources=rules, why="make and remove the rule of the replay"),
        Permission(
            actions=(*_QUEUE, *_MESSAGES), resources=(here("sqs", ours),), why="make, read and remove its queue"
        ),
        Permission(actions=_REPLAY, resources=(archive, here("events", f"replay/{ours}")), why="replay the archive"),
    )
