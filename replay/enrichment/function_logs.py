"""The invocations behind many captures at once, found in one log group with few calls."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from replay.enrichment.searches import Search, milliseconds, together
from replay.enrichment.time_limit import TimeLimit, each_in_time
from replay.payloads.log_formats.log_answers import LogLine
from replay.readers.invocations import LoggedInvocation, Stretch, logged_invocations, stretches
from replay.readers.logs import any_of, filtered_lines

_MOST_TERMS = 24
_MOST_LINES = 50_000


class FunctionLogs:
    """
    One log group of a function, asked for many captures at once: by pattern first, then around what was found.

    Args:
        longest_s: The longest that an invocation of the function takes.
        by_pattern: Whether the log can be searched for one of several terms. Emulators cannot (they find all lines, or
            none), so there everything in the time is read.
    """

    def __init__(self, client: Any, log_group: str, *, longest_s: float, by_pattern: bool) -> None:
        self.log_group = log_group
        self._client = client
        self._longest_ms = int(longest_s * 1000)
        self._by_pattern = by_pattern

    def find(self, searches: Sequence[Search], limit: TimeLimit) -> dict[int, list[LoggedInvocation]]:
        """
        Give the invocations that mention what *searches* look for, by their keys; what *limit* cut off is not there.

        Raises:
            AwsError: The log cannot be read.
        """
        terms = _Terms(searches)
        batches = together(searches, _MOST_TERMS)
        lines = [
            line for batch in each_in_time(lambda batch: self._lines(batch, limit), batches, limit) for line in batch
        ]
        parts = stretches(lines, longest_ms=self._longest_ms)
        found: dict[int, list[LoggedInvocation]] = defaultdict(list)
        for part in each_in_time(lambda part: self._invocations(part, terms, limit), parts, limit):
            for keys, logged in part:
                for key in keys:
                    found[key].append(logged)
        return dict(found)

    def _lines(self, searches: Sequence[Search], limit: TimeLimit) -> list[LogLine]:
        terms = _Terms(searches)
        patterns = [pattern for pattern, _ in any_of(terms)] if self._by_pattern else [""]
        start_ms = milliseconds(min(each.start for each in searches))
        end_ms = milliseconds(max(each.end for each in searches))
        found = (
            line
            for pattern in patterns
            for line in filtered_lines(
                self._client, self.log_group, start_ms=start_ms, end_ms=end_ms, pattern=pattern, stop=limit.passed
            )
            if terms.keys_in([line.message])
        )
        return list(islice(found, _MOST_LINES))

    def _invocations(self, part: Stretch, terms: "_Terms", limit: TimeLimit) -> list[tuple[set[int], LoggedInvocation]]:
        read = logged_invocations(self._client, self.log_group, part, stop=limit.passed)
        found = ((terms.keys_in(entry.text for entry in each.invocation.entries), each) for each in read)
        return [(keys, each) for keys, each in found if keys]


class _Terms:
    """The terms of several searches, looked for in one pass over a text."""

    def __init__(self, searches: Sequence[Search]) -> None:
        self._keys: Mapping[str, Collection[int]] = _by_term(searches)
        self._any = re.compile("|".join(map(re.escape, self._keys)), re.IGNORECASE)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def keys_in(self, texts: Iterable[str]) -> set[int]:
        found = {term.lower() for text in texts for term in self._any.findall(text)}
        return {key for term in found for key in self._keys[term]}


def _by_term(searches: Sequence[Search]) -> dict[str, set[int]]:
    keys: dict[str, set[int]] = defaultdict(set)
    for search in searches:
        for term in search.terms:
            keys[term.lower()].add(search.key)
    return keys
