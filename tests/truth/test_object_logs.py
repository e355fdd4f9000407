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


def test_formats_of_the_guide_are_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each format is filled in; a page without any is nothing that could have passed."""
    page = '  $context.identity.sourceIp [$context.requestTime] \\\n "$context.httpMethod $context.path $context.protocol" $context.status 1 $context.requestId\n----\n{}'
    folder = folder_with(tmp_path, "formats.txt", page.encode(), "apigw-access-logs")
    assert [(each.status, each.facts) for each in judge_folder(folder).verdicts] == [("passed", 1)]
    monkeypatch.setattr(object_logs, "failures", lambda text: [])
    assert [each.status for each in judge_folder(folder).verdicts] == ["failed"]
    folder_with(tmp_path, "formats.txt", b"nothing", "apigw-access-logs")
    assert [each.status for each in judge_folder(folder).verdicts] == ["failed"]
