"""Reads of logs: nothing is left out, nothing comes twice, however AWS cuts its answers."""

import json
from itertools import pairwise
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from replay.errors import AwsError
from replay.payloads.lambda_logs import invocations, log_entry
from replay.readers.failure_evidence import log_lines, logged_failure
from replay.readers.insights import split_in_time
from replay.readers.invocations import LoggedInvocation, invocations_of, stretches
from replay.readers.logs import (
    MOST_PATTERN_CHARACTERS,
    LogLine,
    any_of,
    filtered_lines,
    is_missing,
    similar_log_groups,
    stream_lines,
)
from tests.enrichment.lambda_log import BEGAN_MS, LambdaLog, traced

IDS = [f"{number:08x}-1111-4222-8333-444455556666" for number in range(400)]


@given(st.lists(st.sampled_from(IDS), unique=True))
def test_patterns_hold_every_term_once_within_their_length(terms: list[str]) -> None:
    """However many ids are looked for, each is in one pattern, and AWS takes every pattern."""
    found = list(any_of(terms))
    assert [term for _, held in found for term in held] == terms
    for pattern, held in found:
        assert len(pattern) <= MOST_PATTERN_CHARACTERS
        assert all(f'"{term}"' in pattern for term in held)
        assert pattern.count("?") == (len(held) if len(held) > 1 else 0)
    full = [pattern for pattern, _ in found[:-1]]
    assert all(len(pattern) > MOST_PATTERN_CHARACTERS - 45 for pattern in full)


@given(
    st.lists(st.integers(min_value=0, max_value=200), max_size=80),
    st.integers(min_value=1, max_value=10),
    st.integers(min_value=0, max_value=200),
)
def test_time_is_split_until_nothing_is_cut(seconds: list[int], most: int, end: int) -> None:
    """Each row comes once, in order, as long as no single second holds more than an answer can."""
    rows = [LogLine(second * 1000, "s", str(number)) for number, second in enumerate(sorted(seconds))]
    kept = [row for row in rows if row.at_ms // 1000 <= end]
    asked: list[tuple[int, int]] = []

    def run(first: int, last: int) -> list[LogLine]:
        asked.append((first, last))
        return [row for row in rows if first <= row.at_ms // 1000 <= last][:most]

    cut: list[int] = []
    found = list(split_in_time(run, 0, end, most=most, cut=cut.append))
    crowded = {second for second in seconds if seconds.count(second) > most}
    assert {second for second in crowded if second <= end} <= set(cut)
    assert all(seconds.count(second) >= most for second in cut)
    assert [row for row in found if row.at_ms // 1000 not in crowded] == [
        row for row in kept if row.at_ms // 1000 not in crowded
    ]
    assert len(set(found)) == len(found)
    assert len(set(asked)) == len(asked)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(min_value=0, max_value=10_000_000)), min_size=1, max_size=30),
    st.integers(min_value=0, max_value=900_000),
)
def test_stretches_cover_every_line_and_do_not_overlap(places: list[tuple[str, int]], longest_ms: int) -> None:
    """What is read holds each line with the longest invocation on both sides; no line is read twice."""
    lines = [LogLine(at_ms, stream, "x\n") for stream, at_ms in places]
    found = stretches(lines, longest_ms=longest_ms)
    for line in lines:
        assert any(
            part.stream == line.stream
            and part.start_ms <= max(0, line.at_ms - longest_ms)
            and line.at_ms + longest_ms <= part.end_ms
            for part in found
        )
    for one, other in pairwise(found):
        assert one.stream != other.stream or one.end_ms < other.start_ms


def test_start_and_report_tell_the_ends_of_an_invocation() -> None:
    """Where both are found, nothing before or behind is read, but for a timeout told behind the report."""
    lines = [
        LogLine(1_000_000, "s", f"START RequestId: {IDS[0]} Version: $LATEST\n"),
        LogLine(1_000_500, "s", f"REPORT RequestId: {IDS[0]}\tDuration: 5 ms\n"),
    ]
    (part,) = stretches(lines, longest_ms=900_000)
    assert (part.start_ms, part.end_ms) == (1_000_000, 1_001_500)


@given(st.integers(min_value=1, max_value=5))
def test_pages_are_followed_to_the_last(size: int) -> None:
    """All lines come in order, whatever fits on a page (moto's pages are as large as `limit` says)."""
    with mock_aws():
        log = LambdaLog(boto3.client("logs", region_name="us-east-1"))
        log.write(*(f"line {number}\n" for number in range(7)))
        log.client.meta.events.register(
            "provide-client-params.cloudwatch-logs.*", lambda params, **_: {**params, "limit": size}
        )
        time = {"start_ms": BEGAN_MS, "end_ms": BEGAN_MS + 60_000}
        expected = [f"line {number}\n" for number in range(7)]
        assert [line.message for line in filtered_lines(log.client, log.group, **time)] == expected
        assert [line.message for line in stream_lines(log.client, log.group, log.stream, **time)] == expected


def test_an_empty_page_is_not_the_end() -> None:
    """FilterLogEvents may answer with nothing and a token (moto never does, so botocore's Stubber says it)."""
    client = boto3.client("logs", region_name="us-east-1")
    event = {"timestamp": 5, "message": "x", "logStreamName": "s"}
    with Stubber(client) as stubber:
        request = {"logGroupName": "g", "startTime": 1, "endTime": 9}
        stubber.add_response("filter_log_events", {"events": [], "nextToken": "t"}, request)
        stubber.add_response("filter_log_events", {"events": [event]}, {**request, "nextToken": "t"})
        assert list(filtered_lines(client, "g", start_ms=1, end_ms=9)) == [LogLine(5, "s", "x")]


def test_a_missing_group_can_be_told_from_other_errors() -> None:
    """`ResourceNotFoundException` is one answer, a missing permission another."""
    with mock_aws(), pytest.raises(AwsError) as caught:
        list(filtered_lines(boto3.client("logs"), "/nowhere", start_ms=1, end_ms=9))
    assert is_missing(caught.value)
    client = boto3.client("logs")
    with Stubber(client) as stubber:
        stubber.add_client_error("filter_log_events", "AccessDeniedException")
        with pytest.raises(AwsError) as denied:
            list(filtered_lines(client, "/nowhere", start_ms=1, end_ms=9))
    assert not is_missing(denied.value)
    with Stubber(client) as stubber:
        stubber.add_client_error("describe_log_groups", "AccessDeniedException")
        assert similar_log_groups(client, "orders") == []


def test_similar_groups_are_listed_to_the_last_page() -> None:
    """A name is only the one that is there if no later page has another (moto's pages are long, so botocore's Stubber)."""
    client = boto3.client("logs", region_name="us-east-1")
    asked = {"logGroupNamePattern": "orders"}
    names = [f"/aws/lambda/{stack}-orders-1A2B3C4D5E6F" for stack in ("dev", "prod")]
    groups = [{"logGroups": [{"logGroupName": each}]} for each in names]
    with Stubber(client) as stubber:
        stubber.add_response("describe_log_groups", {**groups[0], "nextToken": "t"}, asked)
        stubber.add_response("describe_log_groups", groups[1], {**asked, "nextToken": "t"})
        assert similar_log_groups(client, "orders") == names


def test_lines_that_were_split_are_one_entry_again() -> None:
    """LocalStack writes each line of a trace as an event of its own: it is the same invocation."""
    lines = [
        f"START RequestId: {IDS[0]} Version: $LATEST",
        *traced("KeyError: 'a'").splitlines(),
        f"END RequestId: {IDS[0]}",
    ]
    (logged,) = invocations_of("g", "s", [LogLine(1_000 + number, "s", text) for number, text in enumerate(lines)])
    assert (logged.at_ms, logged.invocation.request_id) == (1_000, IDS[0])
    assert logged.invocation.failure is not None
    assert logged.invocation.failure.frames


def test_empty_lines_do_no_harm() -> None:
    """An empty message is a line as well."""
    lines = ["", f"START RequestId: {IDS[0]} Version: $LATEST", "", "x", f"START RequestId: {IDS[1]} Version: $LATEST"]
    found = list(invocations_of("g", "s", [LogLine(number, "s", text) for number, text in enumerate(lines)]))
    assert [(each.at_ms, each.invocation.request_id) for each in found] == [(1, IDS[0]), (4, IDS[1])]


def _logged(*texts: str) -> LoggedInvocation:
    (found,) = invocations([log_entry(text) for text in texts])
    return LoggedInvocation(log_group="g", stream="s", at_ms=0, invocation=found)


def test_ids_that_are_none_are_left_out() -> None:
    """A line may be anybody's: what stands for an id there is not taken over unseen."""
    error: dict[str, Any] = {"requestId": "jane@example.com", "errorType": "KeyError", "errorMessage": "x"}
    report = {"type": "platform.report", "record": {"requestId": "jane@example.com", "status": "jane", "metrics": {}}}
    failure = logged_failure(_logged(json.dumps(error), json.dumps(report)))
    assert failure is not None
    assert (failure.request_id, failure.trace_id) == (None, None)
    assert failure.report is not None
    assert failure.report.status is None


@given(st.lists(st.text(max_size=5), max_size=300))
def test_some_lines_are_kept_and_the_others_counted(texts: list[str]) -> None:
    """A hundred lines stay, the last ones above all; it says how many do not."""
    kept = log_lines(texts)
    assert len(kept) <= 101
    stripped = [text.rstrip("\n") for text in texts]
    if len(texts) <= 100:
        assert list(kept) == stripped
    else:
        assert kept[20] == f"[{len(texts) - 100} lines left out]"
        assert list(kept[:20]) == stripped[:20]
        assert list(kept[21:]) == stripped[-80:]


def test_a_very_long_line_is_left_out_whole() -> None:
    """Half a line of JSON could not be redacted as JSON."""
    assert log_lines(["x" * 10_001]) == ("[a line of 10,001 characters left out]",)


def test_long_lines_are_kept_as_far_as_a_fixture_can_hold_them() -> None:
    """A hundred lines of ten kilobytes would be a megabyte in git for each failure."""
    kept = log_lines([f"{number}{'x' * 9_990}" for number in range(100)])
    assert len("".join(kept)) < 51_000
    assert [line[:2] for line in kept] == ["0x", "[9", "96", "97", "98", "99"]


def test_a_token_that_comes_again_is_the_end() -> None:
    """An emulator that answers with the token that it was given would be asked for ever."""

    class Repeating:
        asked = 0

        def filter_log_events(self, **_: Any) -> Any:
            self.asked += 1
            assert self.asked < 5
            return {"events": [{"timestamp": 1, "logStreamName": "s", "message": "a"}], "nextToken": "same"}

    client: Any = Repeating()
    assert len(list(filtered_lines(client, "g", start_ms=0, end_ms=1))) == 2
