"""One pass over one object: which requests failed, and which events stand near."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import StringIO
from itertools import islice

from replay.payloads.log_formats.cues import failure_offsets, has_known_form
from replay.payloads.log_formats.log_record import LogRecord
from replay.payloads.log_formats.reading import Forms, read_line, read_stream
from replay.sources.s3_log_parts.blocks import NOT_JSON, Block, blocks, extent, windows, without_trail
from replay.sources.s3_log_parts.sightings import Sighting, sighting

DOUBTFUL = "lines that look like failures, of which none tells of one that is understood"
NO_KNOWN_FORM = "no line has a form that is known here, and none tells of a failure"
NOT_UTF_8 = "lines that are not UTF-8, of which the bad bytes are shown as ?"
_STARTS = (b"START RequestId: ", b'"platform.start"')
_STARTINGS = (b"_START Runtime Version", b'"platform.initStart"', b'"platform.restoreStart"')
_MOST_STREAM_BYTES = 512 * 1024
_MOST_MENTIONS = 500
_FEW_RECORDS = 20
_GOES_ON = re.compile(rb"[ \t]|\xc2\xa0|Traceback \(most|Caused by:|(?:Runtime|Sandbox|Extension)\.\w+\s")
_BYTE_ORDER_MARK = "\ufeff"


def scan(pieces: Iterable[bytes], forms: Forms, problems: Counter[str]) -> Iterator[Sighting]:
    """
    Give each failed request of an unpacked object once, with its event where that stands in the same megabytes.

    What cannot be read is counted in *problems*, and so is an object in which failures were looked for in vain.
    """
    done = Done()
    is_known = forms.application
    is_empty, is_doubtful = True, False
    for before, block, after in windows(blocks(pieces, problems)):
        is_known, is_empty = is_known or has_known_form(block.data), False
        offsets = failure_offsets(block.data, application=forms.application)
        is_doubtful = is_doubtful or bool(offsets)
        for found in _in_view(View(before, block, after, problems), offsets, forms, done) if offsets else ():
            done.seen = True
            yield found
    if is_doubtful and not done.seen:
        problems[DOUBTFUL] += 1
    elif not (is_known or done.seen or is_empty):
        problems[NO_KNOWN_FORM] += 1


@dataclass(slots=True)
class Done:
    """The requests that were given, and how far the content was read: no failure is told twice."""

    ids: set[str] = field(default_factory=set)
    seen: bool = False
    until: int = 0
    line_until: int = 0


class Document:
    """One line or document that tells of many requests: what it tells of each is found without looking at all of it."""

    def __init__(self, records: list[LogRecord]) -> None:
        self.records = records
        self._by_id: dict[str, list[LogRecord]] = {}
        self._with_event: list[LogRecord] = []
        for each in records:
            ids = {each.request_id, each.trace_id if each.kind == "invocation" else None}
            for known in filter(None, ids):
                self._by_id.setdefault(known, []).append(each)
            if each.event is not None:
                self._with_event.append(each)

    def naming(self, request_id: str) -> list[LogRecord]:
        """List the records of a request; where none of them has its event, also those whose event names it."""
        own = self._by_id.get(request_id, [])
        if any(each.event is not None for each in own):
            return own
        return [*own, *(each for each in self._with_event if request_id in (each.event or "") and each not in own)]


class View:
    """A block with its neighbours as one text of bytes: what belongs together stands close."""

    def __init__(self, before: Block | None, block: Block, after: Block | None, problems: Counter[str]) -> None:
        self.begins = len(before.data) if before else 0
        self.data = (before.data if before else b"") + block.data + (after.data if after else b"")
        self.offset = before.offset if before else block.offset
        self.separators = block.separators
        self.problems = problems
        self._documents: dict[tuple[int, int], Document] = {}
        self.ends: list[int] = []
        base = 0
        for each in (before, block, after):
            self.ends += [base + end for end in each.ends] if each else []
            base += len(each.data) if each else 0

    def record_around(self, at: int) -> tuple[int, int]:
        """Say where the record around *at* begins and ends."""
        if self.separators or not self.ends:
            return extent(self.data, at, self.separators)
        number = bisect_right(self.ends, at)
        return self.ends[number - 1] if number else 0, self.ends[min(number, len(self.ends) - 1)]

    def text(self, start: int, end: int) -> str:
        """Decode a part; what is not UTF-8 is counted, and shown as �."""
        content = without_trail(self.data[start:end], self.separators)
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            self.problems[NOT_UTF_8] += 1
            text = content.decode("utf-8", "replace")
        return text.removeprefix(_BYTE_ORDER_MARK)

    def read(self, at: int, forms: Forms, *, earliest: int = 0) -> tuple[int, list[LogRecord]]:
        """Read what is around *at*, a line or a stretch of a log stream from *earliest* on; and say where it ends."""
        start, end = self.record_around(at)
        if known := self._documents.get((start, end)):
            return end, known.records
        text = self.text(start, end)
        records = read_line(text, forms)
        if records is not None and not (self.separators and _needs_its_neighbours(text, records)):
            if len(records) > _FEW_RECORDS:
                self._documents[start, end] = Document(records)
            return end, records
        if text.lstrip().startswith("{") and not self.separators:
            self.problems[NOT_JSON] += 1
        start, end = self._stream_around(start, end, earliest)
        lines = StringIO(self.text(start, end))  # they end with \n, and not with U+2028 or a form feed
        return end, read_stream(lines, forms)

    def document_around(self, at: int) -> "Document | None":
        """Give the document of many records around *at*, if it was read."""
        return self._documents.get(self.record_around(at))

    def _stream_around(self, start: int, end: int, earliest: int) -> tuple[int, int]:
        """
        Find the lines of one invocation in a log stream: from its START until the next one.

        What is told while an environment starts belongs to the invocation that follows, or to none.
        """
        if not self.separators:
            return start, end
        earliest = max(earliest, start - _MOST_STREAM_BYTES)
        latest = min(len(self.data), end + _MOST_STREAM_BYTES)
        begins = max(self.data.rfind(mark, earliest, start + len(mark) + 64) for mark in _STARTS)
        starting = max(self.data.rfind(mark, max(begins, earliest), start) for mark in _STARTINGS)
        if starting >= 0 or begins < 0:
            begins, own = starting, self._first_of(_STARTS, end, latest)
            next_begins = self._next_begins(own + 1, latest) if own >= 0 else -1
        else:
            next_begins = self._next_begins(end, latest)
        first = self.record_around(begins)[0] if 0 <= begins <= end else self._line_from(earliest)
        last = self.record_around(next_begins)[0] if next_begins >= 0 else self._line_until(latest)
        return min(first, start), max(last, end)

    def _next_begins(self, at: int, latest: int) -> int:
        """Say where the next invocation begins, or the environment that is made for it."""
        return self._first_of((*_STARTS, *_STARTINGS), at, latest)

    def _first_of(self, marks: Iterable[bytes], at: int, latest: int) -> int:
        return min((place for mark in marks if (place := self.data.find(mark, at, latest)) >= 0), default=-1)

    def _line_from(self, at: int) -> int:
        return at if self.data[max(0, at - 1) : at] in {b"", b"\n"} else self.data.find(b"\n", at) + 1

    def _line_until(self, at: int) -> int:
        """Say where the last line before *at* ends, and none that the next one goes on with."""
        until = at if at == len(self.data) else self.data.rfind(b"\n", 0, at) + 1
        while until and _GOES_ON.match(self.data, until):
            until = self.data.rfind(b"\n", 0, until - 1) + 1
        return until

    def mentions(self, request_id: str) -> Iterator[int]:
        """Give each place where *request_id* stands."""
        wanted = request_id.encode("utf-8", "surrogatepass")
        at = self.data.find(wanted)
        while at >= 0:
            yield at
            at = self.data.find(wanted, at + len(wanted))


def _needs_its_neighbours(text: str, records: list[LogRecord]) -> bool:
    """Say whether a line of JSON of Lambda's tells a failure, and not of which request: a start that failed, say."""
    is_of_lambda = '"errorType"' in text or '"function"' in text
    return is_of_lambda and any(each.failure is not None and each.request_id is None for each in records)


def records_naming(view: View, request_id: str, forms: Forms) -> list[LogRecord]:
    """Read every line, or stretch of a stream, that names *request_id*, each once and in order."""
    found: list[LogRecord] = []
    read_until = -1
    for at in islice(view.mentions(request_id), _MOST_MENTIONS):
        if at >= read_until:
            read_until, records = view.read(at, forms)
            if document := view.document_around(at):
                found += document.naming(request_id)
                continue
            of_another = len(records) > 1
            found += [
                each
                for each in records
                if each.request_id == request_id
                or (not of_another and each.request_id is None)
                or (each.event is not None and request_id in each.event)
                or (each.kind == "invocation" and each.trace_id == request_id)
            ]
    return found


def _in_view(view: View, offsets: list[int], forms: Forms, done: Done) -> Iterator[Sighting]:
    for offset in offsets:
        at = offset + view.begins
        if view.offset + at < done.line_until:
            continue
        start, end = view.record_around(at)
        if view.offset + at < done.until:
            records = list(_beside_a_stream(view.text(start, end), forms))
        else:
            read_until, records = view.read(at, forms, earliest=max(0, done.until - view.offset))
            done.until = view.offset + read_until
        done.line_until = view.offset + end
        for failing in [each for each in records if each.failure is not None or each.whole]:
            request_id = failing.request_id
            if request_id is not None and request_id in done.ids:
                continue
            if request_id is None:
                found = sighting(None, [failing], offset=view.offset + start)
            else:
                done.ids.add(request_id)
                named = records_naming(view, request_id, forms)
                told = [*_once(records, named, request_id)]
                found = sighting(request_id, told, offset=view.offset + start, logged_errors=forms.application)
            if failing.whole:
                found = _whole(failing, view.offset + start)
            if found is not None:
                yield found


def _beside_a_stream(text: str, forms: Forms) -> Iterator[LogRecord]:
    """Read a line of another form that stands among those of a log stream; what is of the stream itself was read."""
    for each in read_line(text, forms) or ():
        if each.request_id is not None or each.kind == "access":
            yield each


def _once(near: list[LogRecord], named: list[LogRecord], request_id: str) -> Iterator[LogRecord]:
    """Give what names the request, and what stands near and belongs to it, each once and in the order of the log."""
    seen: set[LogRecord] = set()
    near_own = [each for each in near if each.request_id == request_id]
    for each in [*named, *near_own]:
        if each not in seen:
            seen.add(each)
            yield each


def _whole(record: LogRecord, offset: int) -> Sighting:
    return Sighting(
        request_id=record.request_id,
        kind="invocation",
        failure=None,
        at=record.at,
        offset=offset,
        event=record.event,
        whole=True,
    )
