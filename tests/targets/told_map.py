"""Step Functions as far as a Distributed Map needs it: it reads the corpus from S3, calls a function, writes results."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import boto3
from botocore.exceptions import ClientError

NOW = datetime(2026, 11, 21, 13, tzinfo=UTC)


class Failed(Exception):
    """What an invocation of the function ended with."""

    def __init__(self, error_type: str, report: Mapping[str, Any]) -> None:
        self.error_type, self.report = error_type, report


class ToldSteps:
    """Runs a map at once when it is started; `asked` are the calls, in order."""

    class exceptions:  # noqa: N801 - as boto3 has it
        ClientError: ClassVar[type[Exception]] = ClientError

    class meta:  # noqa: N801 - the same
        region_name: ClassVar[str] = "eu-west-1"
        endpoint_url: ClassVar[str] = "https://states.eu-west-1.amazonaws.com"

        class service_model:  # noqa: N801 - the same
            service_id: ClassVar[str] = "SFN"

    def __init__(self, handler: Callable[[Any], Any], *, looks: int = 2) -> None:
        self.handler, self.looks = handler, looks
        self.machines: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.pending: set[str] = set()
        self.counts = {"succeeded": 0, "failed": 0, "timedOut": 0, "aborted": 0, "total": 0}
        self.broken: BaseException | None = None
        self.lost: BaseException | None = None
        self.executions: dict[str, str] = {}

    def create_state_machine(self, **asked: Any) -> dict[str, Any]:
        self.asked.append("create")
        arn = f"arn:aws:states:eu-west-1:123456789012:stateMachine:{asked['name']}"
        self.machines[arn] = asked
        return {"stateMachineArn": arn}

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:  # noqa: A002, N803
        self.asked.append("start")
        place = json.loads(input)
        s3: Any = boto3.client("s3", region_name="eu-west-1")
        lines = s3.get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read().splitlines()
        results: dict[str, list[Any]] = {"SUCCEEDED": [], "FAILED": [], "PENDING": []}
        for line in lines:
            self._one(json.loads(line), results)
        files = {}
        for kind, items in results.items():
            key = f"{place['results']}/run-1/{kind}_0.json"
            files[kind] = [{"Key": key, "Size": 1}] if items else []
            s3.put_object(Bucket=place["bucket"], Key=key, Body=json.dumps(items))
        manifest = {"DestinationBucket": place["bucket"], "MapRunArn": "m:run-1", "ResultFiles": files}
        s3.put_object(Bucket=place["bucket"], Key=f"{place['results']}/run-1/manifest.json", Body=json.dumps(manifest))
        self.counts |= {"succeeded": len(results["SUCCEEDED"]), "failed": len(results["FAILED"]), "total": len(lines)}
        arn = stateMachineArn.replace("stateMachine", "execution") + f":{name}"
        self.executions[arn] = "SUCCEEDED"
        if self.lost is not None:
            lost, self.lost = self.lost, None
            raise lost
        return {"executionArn": arn}

    def _one(self, item: Any, results: dict[str, list[Any]]) -> None:
        told = {"Input": json.dumps(item), "Name": "n", "StartDate": NOW.isoformat(), "StopDate": NOW.isoformat()}
        if item["fixture"] in self.pending:
            results["PENDING"].append({**told, "Status": "PENDING"})
            return
        try:
            output = json.dumps({"payload": self.handler(item["event"])})
        except Failed as error:
            cause = json.dumps(error.report)
            results["FAILED"].append({**told, "Status": "FAILED", "Error": error.error_type, "Cause": cause})
        else:
            results["SUCCEEDED"].append({**told, "Status": "SUCCEEDED", "Output": output})

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        if executionArn not in self.executions:
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist", "Message": "no"}}, "DescribeExecution")
        self.asked.append("describe")
        self.looks -= 1
        if self.broken is not None:
            broken, self.broken = self.broken, None
            raise broken
        return {"status": "RUNNING" if self.looks > 0 else self.executions[executionArn]}

    def describe_map_run(self, *, mapRunArn: str) -> dict[str, Any]:  # noqa: N803
        assert mapRunArn == "m:run-1"
        return {"itemCounts": self.counts}

    def describe_state_machine(self, *, stateMachineArn: str) -> dict[str, Any]:  # noqa: N803
        if stateMachineArn not in self.machines:
            raise ClientError({"Error": {"Code": "StateMachineDoesNotExist", "Message": "no"}}, "DescribeStateMachine")
        return {"status": "ACTIVE"}

    def delete_state_machine(self, *, stateMachineArn: str) -> dict[str, Any]:  # noqa: N803
        self.asked.append("delete")
        self.machines.pop(stateMachineArn, None)
        return {}

    def get_paginator(self, name: str) -> "ToldSteps._Pages":
        found = {"list_map_runs": {"mapRuns": [{"mapRunArn": "m:run-1"}]}, "list_executions": {"executions": []}}
        return self._Pages(found[name])

    class _Pages:
        def __init__(self, page: Mapping[str, Any]) -> None:
            self._page = page

        def paginate(self, **_: Any) -> list[Mapping[str, Any]]:
            return [self._page]
