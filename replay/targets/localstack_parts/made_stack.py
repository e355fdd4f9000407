"""A stack that is made on LocalStack for one run, and removed behind it."""

import io
import threading
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from replay.errors import AwsError, TargetError
from replay.readers.aws_errors import aws_errors
from replay.readers.logs import default_log_group
from replay.sources.archive_parts.made_for_replay import Mark
from replay.sources.archive_parts.owners import this_process
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.localstack_parts.already_there import refuse_what_is_there
from replay.targets.localstack_parts.deployable import Deployable
from replay.targets.localstack_parts.our_stacks import remove_bucket, remove_stack, settled_status

_KEPT = timedelta(hours=12)
"""For so long the run of another machine is taken to go on."""

_LEFT_OUT = {"__pycache__", ".git", ".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".aws-sam"}


MAKING = threading.RLock()
"""Held by who looks what is there, and makes or removes it: several threads of a run may use one function."""

_IN_USE: dict[str, "MadeStack"] = {}
OF_SIBLINGS: set[str] = set()
"""The stacks that other processes of the same run have made, and remove behind all of them."""


class MadeStack:
    """
    The stack of *what*, and the bucket with its code; both named and tagged as ours, so that they are known again.

    Several may use it, each of whom `remove`s it: the last one does.

    Source: CloudFormation API `CreateStack` (its tags reach the resources).
    """

    def __init__(self, clients: TargetClients, what: Deployable) -> None:
        self._clients, self._what = clients, what
        now = datetime.now(UTC)
        self._mark = Mark(recording=uuid.uuid4().hex[:12], created=now, owner=this_process(), kept_until=now + _KEPT)
        self._keys: dict[str, str] = {}
        self._groups: list[str] = []
        self._users = 1
        self._has_bucket = self._has_stack = False

    @property
    def name(self) -> str:
        """The name of the stack and of the bucket."""
        return self._mark.name

    def make(self) -> None:
        """
        Make it, and wait until it is there.

        Raises:
            TargetError: Something of it is there already; or LocalStack could not, and what it made is removed again.
            AwsError: It could not be asked.
        """
        refuse_what_is_there(self._clients, self._what)
        self._groups = self._log_groups_to_come()
        try:
            self._upload()
            self._create()
        except BaseException:
            self.remove()
            raise
        _IN_USE[self.name] = self

    def use_too(self) -> None:
        """Have one user more."""
        self._users += 1

    def remove(self) -> list[str]:
        """Remove all that was made, unless others use it; say what is left."""
        self._users -= 1
        if self._users:
            return []
        _IN_USE.pop(self.name, None)
        left: list[str] = []
        if self._has_stack and (error := remove_stack(self._clients("cloudformation"), self.name)):
            left.append(f"the stack {self.name} is left behind on LocalStack ({error.what})")
        if self._has_bucket and (error := remove_bucket(self._clients("s3"), self.name)):
            left.append(f"the bucket {self.name} is left behind on LocalStack ({error.what})")
        for group in self._groups if self._has_stack else ():
            with suppress(AwsError), aws_errors(where=f"log group {group}", service="logs"):
                self._clients("logs").delete_log_group(logGroupName=group)  # none where the function was never invoked
        return left

    def _log_groups_to_come(self) -> list[str]:
        """List the log groups that functions write to once they are invoked, and that are not there yet."""
        groups = [default_log_group(name) for name in self._what.functions]
        client = self._clients("logs")
        with aws_errors(where="log groups", service="logs"):
            pages = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=default_log_group(""))
            there = {each["logGroupName"] for page in pages for each in page["logGroups"]}
        return [group for group in groups if group not in there]

    def _upload(self) -> None:
        s3 = self._clients("s3")
        region = s3.meta.region_name
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        with aws_errors(where=f"bucket {self.name}", service="s3"):
            self._has_bucket = True
            s3.create_bucket(Bucket=self.name, **where)
            s3.put_bucket_tagging(Bucket=self.name, Tagging={"TagSet": self._tags})
            for logical_id, path in self._what.code.items():
                self._keys[logical_id] = f"{logical_id}.zip"
                s3.put_object(Bucket=self.name, Key=self._keys[logical_id], Body=zipped(path))

    def _create(self) -> None:
        client = self._clients("cloudformation")
        with aws_errors(where=f"stack {self.name}", service="cloudformation"):
            self._has_stack = True
            client.create_stack(
                StackName=self.name,
                TemplateBody=self._what.with_code(self.name, self._keys),
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
                Tags=self._tags,
            )
        status = settled_status(client, self.name)
        if status != "CREATE_COMPLETE":
            raise TargetError(
                f"LocalStack could not deploy {self._what.origin} ({status}): {'; '.join(self._reasons())}",
                where=f"stack {self.name}",
                expected="a template that LocalStack can deploy",
                hint='deploy what it can yourself (samlocal, cdklocal), or replay with through = "function"',
            )

    @property
    def _tags(self) -> list[dict[str, str]]:
        return [{"Key": str(key), "Value": value} for key, value in self._mark.tags().items()]

    def _reasons(self) -> list[str]:
        with aws_errors(where=f"stack {self.name}", service="cloudformation"):
            events: Any = self._clients("cloudformation").describe_stack_events(StackName=self.name)["StackEvents"]
        failed = [
            f"{each['LogicalResourceId']} ({each['ResourceStatusReason']})"
            for each in events
            if each.get("ResourceStatus", "").endswith("FAILED") and each.get("ResourceStatusReason")
        ]
        return failed[:3] or ["no reason is told; see the log of LocalStack"]


def stack_in_use(name: str) -> MadeStack | None:
    """Give the stack of that name, if this process has made it, to one user more."""
    found = _IN_USE.get(name)
    if found is not None:
        found.use_too()
    return found


def zipped(path: Path) -> bytes:
    """Zip a folder of code, or give a file that is zipped already; what no function runs is left out."""
    if path.is_file():
        return path.read_bytes()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as written:
        for file in _files(path):
            written.write(file, file.relative_to(path).as_posix())
    return archive.getvalue()


def _files(folder: Path) -> Iterator[Path]:
    for each in sorted(folder.iterdir()):
        if each.name in _LEFT_OUT:
            continue
        if each.is_dir():
            yield from _files(each)
        elif each.is_file():
            yield each
