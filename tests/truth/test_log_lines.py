"""The judge of logs knows every form in which a failed request is told, and no other, and fails a reader that does not."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from replay.payloads.lambda_logs import log_entry
from tests.truth.categories import log_lines
from tests.truth.runner import Results, judge_folder

ID = "5d4c3b2a-3333-4444-8555-666677778888"


def packed(message: dict[str, Any]) -> str:
    return base64.b64encode(gzip.compress(json.dumps(message).encode())).decode()


NODE = json.dumps({"errorType": "TypeError", "errorMessage": "x", "stack": ["TypeError: x"]})
FAILED = {
    "report.txt": f"REPORT RequestId: {ID}\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tStatus: timeout\n",
    "entrypoint.txt": f"RequestId: {ID} Error: fork/exec /var/task/bootstrap: exec format error\nRuntime.InvalidEntrypoint\n",
    "fault.txt": json.dumps({"type": "platform.fault", "record": f"RequestId: {ID} Process exited before completing request"}),
    "node.txt": f"START RequestId: {ID} Version: 1\n2026-01-02T03:04:05.678Z\t{ID}\tERROR\tInvoke Error \t{NODE}\nEND RequestId: {ID}\n",
    "ruby.txt": 'Error raised from handler method\n{"errorMessage":"x","errorType":"Function<E>","stackTrace":[]}\n',
    "ruby-critical.txt": 'Critical exception from handler\n{"errorMessage":"x","errorType":"Function<E>","stackTrace":[]}\n',
    "rejection.txt": f"2026-01-02T03:04:05.678Z\t{ID}\tERROR\tUnhandled Promise Rejection\n{NODE}\n",
    "two-lines.txt": f"RequestId: {ID} Error: Runtime exited with error: signal: killed\nREPORT RequestId: {ID}\tDuration: 9.00 ms\n",
    "exported.txt": f"2026-01-02T03:04:05.678Z START RequestId: {ID} Version: 1\n2026-01-02T03:04:08.678Z REPORT RequestId: {ID}\tDuration: 3000.00 ms\tStatus: timeout\n",
    "array.txt": json.dumps([{"time": "2026-01-02T03:04:05.678Z", "type": "platform.runtimeDone", "record": {"requestId": ID, "status": "error"}}]),
    "packed.json": json.dumps({"awslogs": {"data": packed({"messageType": "DATA_MESSAGE", "logGroup": "g", "logStream": "s", "logEvents": [
        {"id": "1", "timestamp": 1, "message": f"RequestId: {ID} Process exited before completing request"}]})}}),
    "go.txt": '2026/01/02 03:04:05 {"errorMessage":"x","errorType":"errorString"}\n',
    "java.txt": "x: a.B\na.B: x\n\tat a.C.d(C.java:1)\n",
    "python.jsonl": json.dumps({"level": "ERROR", "errorType": "KeyError", "errorMessage": "'x'", "requestId": ID}),
    "object.jsonl": json.dumps({"level": "ERROR", "requestId": ID, "message": {"errorType": "E", "errorMessage": "x"}}),
    "dotnet.jsonl": json.dumps({"level": "Error", "requestId": ID, "message": None, "errorType": "E", "errorMessage": "x"}),
    "warned.txt": f"START RequestId: {ID} Version: 1\nLAMBDA_WARNING: Unhandled exception. Why\r[ERROR] KeyError: 'x'\rTraceback (most recent call last):\r\nEND RequestId: {ID}\n",
    "unknown.txt": f"START RequestId: {ID} Version: 1\nUnknown application error occurred\nRuntime.Unknown\nEND RequestId: {ID}\n",
    "tailed.txt": f"2026-01-02T03:04:05.678000+00:00 2026/01/02/[$LATEST]0a START RequestId: {ID} Version: 1\n2026-01-02T03:04:05.678000+00:00 2026/01/02/[$LATEST]0a {ID}\tInvoke Error\t{NODE}\n2026-01-02T03:04:05.678000+00:00 2026/01/02/[$LATEST]0a END RequestId: {ID}\n",
    "mixed.txt": json.dumps({"type": "platform.start", "record": {"requestId": ID}}) + f"\nRequestId: {ID} Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n"
    + json.dumps({"type": "platform.report", "record": {"requestId": ID, "status": "success"}}),
    "done.jsonl": json.dumps({"type": "platform.runtimeDone", "record": {"requestId": ID, "status": "failure"}}),
}  # fmt: skip
NOT_FAILED = {
    "printed.txt": "[ERROR] something that a function printed\n",
    "init.txt": json.dumps({"type": "platform.initReport", "record": {"phase": "init", "status": "error", "metrics": {}}}),
    "level.jsonl": json.dumps({"level": "INFO", "requestId": ID, "message": {"errorType": "E", "errorMessage": "x"}}),
    "of-no-request.jsonl": json.dumps({"log_level": "ERROR", "errorType": "Runtime.ImportModuleError", "errorMessage": "x", "requestId": ""})
    + f"\nREPORT RequestId: {ID}\tDuration: 3.00 ms\tBilled Duration: 4 ms\n",
    "metrics.jsonl": json.dumps({"_aws": {"CloudWatchMetrics": []}, "status": "error", "requestId": ID}),
    "logged.jsonl": json.dumps({"level": "ERROR", "message": "no", "errorType": "E", "errorMessage": "x", "logger": "l"}),
}  # fmt: skip


def _judge(folder: Path, name: str, content: str) -> Results:
    (folder / name).write_text(content, encoding="utf-8")
    entry = {"id": f"lambda-logs/{name}", "category": "lambda-logs", "file": name}
    (folder / "index.json").write_text(json.dumps([entry]), encoding="utf-8")
    return judge_folder(folder)


@pytest.mark.parametrize("name", [*FAILED, *NOT_FAILED])
def test_what_is_told_is_found(tmp_path: Path, name: str) -> None:
    """A log in each form passes, whether it tells of a failed request or not."""
    results = _judge(tmp_path, name, (FAILED | NOT_FAILED)[name])
    assert [each.status for each in results.verdicts] == ["passed"], results.verdicts


@pytest.mark.parametrize("name", FAILED)
def test_a_reader_that_finds_nothing_fails(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge itself says that the log tells of a failed request."""

    def blind(text: str) -> Any:
        from dataclasses import replace

        return replace(log_entry(text), failure=None)

    monkeypatch.setattr(log_lines, "log_entry", blind)
    monkeypatch.setattr(log_lines, "log_entries", lambda lines: [blind("".join(lines))])
    assert [each.status for each in _judge(tmp_path, name, FAILED[name]).verdicts] == ["failed"]
