"""A stack that is made on LocalStack for one run, and removed behind it."""

import io
import time
import uuid
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from replay.errors import AwsError, TargetError
from replay.readers.aws_errors import aws_errors
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.localstack_parts.deployable import Deployable

PREFIX = "event-replay-"
TAG = "replay:made"
_PATIENCE_S = 300.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0
_LEFT_OUT = {"__pycache__", ".git", ".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".aws-sam"}
_GONE = {"DELETE_COMPLETE", ""}


class MadeStack:
    """
    The stack of *what*, and the bucket with its code; both named and tagged as ours.

    Source: CloudFormation API `CreateStack` (its tags reach the resources), `DeleteStack`.
    """

    def __init__(self, clients: TargetClients, what: Deployable) -> None:
        self._clients, self._what = clients, what
        self.name = PREFIX + uuid.uuid4().hex[:12]
        self._keys: dict[str, str] = {}
        self._has_bucket = self._has_stack = False

    def make(self) -> None:
        """
        Make it, and wait until it is there.

        Raises:
            TargetError: Something of it is there already; or LocalStack could not, and what it made is removed again.
            AwsError: It could not be asked.
        """
        self._refuse_what_is_there()
        try:
            self._upload()
            self._create()
        except BaseException:
            self.remove()
            raise

    def remove(self) -> list[str]:
        """Remove all that was made; say what is left."""
        left: list[str] = []
        for what, remove in (("stack", self._delete_stack), ("bucket", self._delete_bucket)):
            try:
                remove()
            except AwsError as error:
                left.append(f"the {what} {self.name} is left behind on LocalStack ({error.what})")
        return left

    def _refuse_what_is_there(self) -> None:
        """Look for queues and topics of the same names: they would become the stack's own, and be removed with it."""
        there = [name for name in self._what.names("AWS::SQS::Queue", "QueueName") if self._is_queue(name)]
        topics = set(self._what.names("AWS::SNS::Topic", "TopicName"))
        if topics:
            with aws_errors(where="topics", service="sns"):
                pages = self._clients("sns").get_paginator("list_topics").paginate()
                arns = [str(each["TopicArn"]) for page in pages for each in page["Topics"]]
            there += sorted(topics & {arn.rpartition(":")[2] for arn in arns})
        if there:
            raise TargetError(
                f"the function is not on LocalStack, but {', '.join(there)} of {self._what.origin} is",
                where=", ".join(there),
                expected="all of it, or nothing: what is there is not replay's to change",
                hint='deploy the rest (samlocal, cdklocal), or remove it there; or replay with through = "function"',
            )

    def _is_queue(self, name: str) -> bool:
        client = self._clients("sqs")
        with aws_errors(where=f"queue {name}", service="sqs"):
            try:
                client.get_queue_url(QueueName=name)
            except client.exceptions.QueueDoesNotExist:
                return False
        return True

    def _upload(self) -> None:
        s3 = self._clients("s3")
        region = s3.meta.region_name
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        with aws_errors(where=f"bucket {self.name}", service="s3"):
            s3.create_bucket(Bucket=self.name, **where)
            self._has_bucket = True
            for logical_id, path in self._what.code.items():
                self._keys[logical_id] = f"{logical_id}.zip"
                s3.put_object(Bucket=self.name, Key=self._keys[logical_id], Body=zipped(path))

    def _create(self) -> None:
        client, began = self._clients("cloudformation"), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with aws_errors(where=f"stack {self.name}", service="cloudformation"):
            self._has_stack = True
            client.create_stack(
                StackName=self.name,
                TemplateBody=self._what.with_code(self.name, self._keys),
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
                Tags=[{"Key": TAG, "Value": began}],
            )
        status = self._settled_status()
        if status != "CREATE_COMPLETE":
            raise TargetError(
                f"LocalStack could not deploy {self._what.origin} ({status}): {'; '.join(self._reasons())}",
                where=f"stack {self.name}",
                expected="a template that LocalStack can deploy",
                hint='deploy what it can yourself (samlocal, cdklocal), or replay with through = "function"',
            )

    def _delete_stack(self) -> None:
        if not self._has_stack:
            return
        with aws_errors(where=f"stack {self.name}", service="cloudformation"):
            self._clients("cloudformation").delete_stack(StackName=self.name)
        status = self._settled_status()
        if status not in _GONE:
            raise AwsError(f"it is {status}", where=f"stack {self.name}")
        self._has_stack = False

    def _delete_bucket(self) -> None:
        if not self._has_bucket:
            return
        s3 = self._clients("s3")
        with aws_errors(where=f"bucket {self.name}", service="s3"):
            for key in self._keys.values():
                s3.delete_object(Bucket=self.name, Key=key)
            s3.delete_bucket(Bucket=self.name)
        self._has_bucket = False

    def _settled_status(self) -> str:
        """Wait until nothing of it is under way; empty where it is no longer there."""
        until, pause_s = time.monotonic() + _PATIENCE_S, _FIRST_PAUSE_S
        while True:
            status = self._status()
            if not status.endswith("IN_PROGRESS") or time.monotonic() > until:
                return status
            time.sleep(pause_s)
            pause_s = min(_LONGEST_PAUSE_S, 1.5 * pause_s)

    def _status(self) -> str:
        try:
            with aws_errors(where=f"stack {self.name}", service="cloudformation"):
                found: Any = self._clients("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        except AwsError as error:
            if error.code == "ValidationError":  # "Stack with id … does not exist"
                return ""
            raise
        return str(found[0]["StackStatus"]) if found else ""

    def _reasons(self) -> list[str]:
        with aws_errors(where=f"stack {self.name}", service="cloudformation"):
            events: Any = self._clients("cloudformation").describe_stack_events(StackName=self.name)["StackEvents"]
        failed = [
            f"{each['LogicalResourceId']} ({each['ResourceStatusReason']})"
            for each in events
            if each.get("ResourceStatus", "").endswith("FAILED") and each.get("ResourceStatusReason")
        ]
        return failed[:3] or ["no reason is told; see the log of LocalStack"]


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
