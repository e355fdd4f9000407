"""The judge of logs in objects, on made-up folders: a failed request that is overlooked, or made up, must not pass."""

import gzip
import json
from pathlib import Path

import pytest

from tests.payloads.test_log_formats import classic, cloudfront, common, load_balancer, s3_access
from tests.truth.categories import object_logs
from tests.truth.runner import judge_folder

LINES = [load_balancer("200", "200"), load_balancer(), classic("404"), cloudfront("304"), common(), s3_access("200")]


def folder_with(folder: Path, name: str, content: bytes, category: str = "s3-logs") -> Path:
    (folder / name).write_bytes(content)
    (folder / "index.json").write_text(json.dumps([{"id": name, "category": category, "file": name}]), encoding="utf-8")
    return folder


def test_lines_of_every_form_are_judged(tmp_path: Path) -> None:
    """Each line with a status is two facts more, in a packed file too."""
    results = judge_folder(folder_with(tmp_path, "a.log.gz", gzip.compress("\n".join(LINES).encode())))
    (verdict,) = results.verdicts
    assert (verdict.status, verdict.facts) == ("passed", 1 + 2 * len(LINES)), verdict.lines


def test_an_overlooked_failure_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were nothing found, or everything twice, the case would fail."""
    folder = folder_with(tmp_path, "a.log", "\n".join(LINES).encode())
    found = object_logs.failures
    for wrong in (lambda text: [], lambda text: found(text) * 2):
        monkeypatch.setattr(object_logs, "failures", wrong)
        assert [each.status for each in judge_folder(folder).verdicts] == ["failed"]


TRAIL = {
    "eventVersion": "1.09",
    "eventTime": "2026-01-02T03:04:05Z",
    "eventSource": "sts.amazonaws.com",
    "eventName": "AssumeRole",
    "requestID": "r-1",
}
ID = "1a2b3c4d-4444-4555-8666-777788889999"
TIMEOUT = f"2026-01-02T03:04:05.678Z {ID} Task timed out after 3.00 seconds"
SUBSCRIPTION = {
    "messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s", "subscriptionFilters": [],
    "logEvents": [{"id": "1", "timestamp": 1, "message": f"{TIMEOUT}\n\n"}],
}  # fmt: skip
RECORD = {
    "version": "1.0", "timestamp": "2026-01-02T03:04:05.678Z", "requestPayload": {},
    "requestContext": {"requestId": ID, "functionArn": "arn:f", "condition": "RetriesExhausted", "approximateInvokeCount": 3},
}  # fmt: skip
TOLD = {
    "trail in lines": "\n".join(json.dumps({**TRAIL, "requestID": f"r-{code}", "errorCode": code}) for code in "ab"),
    "trail": json.dumps({"Records": [TRAIL, {**TRAIL, "errorCode": "AccessDenied"}]}),
    "trail in a subscription": json.dumps(
        {
            **SUBSCRIPTION,
            "logEvents": [{"id": "1", "timestamp": 1, "message": json.dumps({**TRAIL, "errorCode": "AccessDenied"})}],
        }
    ),
    "array of a trail": json.dumps([TRAIL, {**TRAIL, "errorCode": "AccessDenied"}]),
    "bucket's own": f"0123456789abcdef bucket [21/Nov/2026:07:00:00 +0000] 192.0.2.3 u 3E57427F3EXAMPLE BATCH.DELETE.OBJECT k - 503 SlowDown 1 - 7 - - - - {ID} -\n",
    "access log": f'{{"requestId": "{ID}", "status": "502"}}\n{{"requestId": "other-id", "status": 200}}\n',
    "CSV": f"192.0.2.7,-,-,21/Nov/2026:07:00:00 +0000,GET,/orders,HTTP/1.1,502,36,{ID}\n",
    "function": f"START RequestId: {ID} Version: 7\n{TIMEOUT}\n\nEND RequestId: {ID}\n",
    "exported": f"2026-01-02T03:04:05.678Z START RequestId: {ID} Version: 7\n2026-01-02T03:04:08.678Z {TIMEOUT}\n",
    "subscription": json.dumps(SUBSCRIPTION) * 2,
    "destination": json.dumps(RECORD),
    "bad bytes": '172.17.0.1 - - [26/Oct/2023:11:01:10 +0000] "GET /caf\xe9 HTTP/1.1" 500 177 "-" "x" "-"\n',
}


@pytest.mark.parametrize("name", TOLD)
def test_every_way_to_tell_of_a_failure_is_judged(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects, lines and functions' logs that tell of a failure pass while it is found, whole or cut off."""
    content = TOLD[name].encode("latin-1")
    cut = gzip.compress(content)[:-4]
    for held in (content, cut):
        assert [each.status for each in judge_folder(folder_with(tmp_path, "a.log", held)).verdicts] == ["passed"]
    monkeypatch.setattr(object_logs, "failures", lambda text: [])
    assert [each.status for each in judge_folder(tmp_path).verdicts] == ["failed"]


def test_formats_of_the_guide_are_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each format is filled in; a page without any is nothing that could have passed."""
    page = '  $context.identity.sourceIp [$context.requestTime] \\\n "$context.httpMethod $context.path $context.protocol" $context.status 1 $context.requestId\n----\n{}'
    folder = folder_with(tmp_path, "formats.txt", page.encode(), "apigw-access-logs")
    assert [(each.status, each.facts) for each in judge_folder(folder).verdicts] == [("passed", 1)]
    monkeypatch.setattr(object_logs, "failures", lambda text: [])
    assert [each.status for each in judge_folder(folder).verdicts] == ["failed"]
    folder_with(tmp_path, "formats.txt", b"nothing", "apigw-access-logs")
    assert [each.status for each in judge_folder(folder).verdicts] == ["failed"]
