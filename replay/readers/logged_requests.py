"""The invocations of given requests, found in the log of their function."""

from collections.abc import Collection, Iterator
from typing import Any

from replay.payloads.log_formats.log_answers import LogLine
from replay.readers.invocations import LoggedInvocation, logged_invocations, stretches
from replay.readers.logs import any_of, filtered_lines
from replay.readers.sides import on_aws

_CLOCKS_MS = 120_000
"""How far the clocks of two services may be apart, and how late a line may come."""


def invocations_of_requests(
    client: Any, log_group: str, request_ids: Collection[str], *, start_ms: int, end_ms: int, longest_ms: int
) -> Iterator[LoggedInvocation]:
    """
    Give the invocations of requests that ran between two moments; one that was tried again comes more than once.

    Args:
        longest_ms: The longest that an invocation takes.

    Raises:
        AwsError: There is no such log, or it may not be read.
    """
    # Emulators find all lines or none by a pattern of several terms, so there everything in the time is read.
    patterns = [pattern for pattern, _ in any_of(sorted(request_ids))] if on_aws(client) else [""]
    lines: list[LogLine] = []
    for pattern in patterns:
        found = filtered_lines(
            client,
            log_group,
            start_ms=max(0, start_ms - _CLOCKS_MS),
            end_ms=end_ms + longest_ms + _CLOCKS_MS,
            pattern=pattern,
        )
        lines += [line for line in found if any(name in line.message for name in request_ids)]
    for part in stretches(lines, longest_ms=longest_ms):
        for logged in logged_invocations(client, log_group, part):
            if logged.invocation.request_id in request_ids:
                yield logged
