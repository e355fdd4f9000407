"""A second pass over an object: the events of requests that failed elsewhere."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from replay.payloads.log_formats.log_record import Kind
from replay.payloads.log_formats.reading import Forms
from replay.sources.s3_log_parts.blocks import blocks, windows
from replay.sources.s3_log_parts.scan import View, records_naming
from replay.sources.s3_log_parts.sightings import event_holder

_FEW = 6
"""So many ids are sought one by one more quickly than all at once."""

_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4})-[0-9a-f]{12}")
_MIDDLES = re.compile(rb"-([0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4})-")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEvent:
    """The event of a request: `logged_for` is the request in whose log it stood, `lines` are what stood beside it."""

    request_id: str
    event: str
    logged_for: str | None
    lines: tuple[str, ...] = ()


def look_up(
    pieces: Iterable[bytes], ids: Mapping[str, Kind], forms: Forms, problems: Counter[str]
) -> Iterator[FoundEvent]:
    """Give the events of the requests *ids* that an unpacked object holds, each once; see `event_holder`."""
    wanted = Wanted(ids)
    for before, block, after in windows(blocks(pieces, problems)):
        named = wanted.named_in(block.data)
        if not named:
            continue
        view = View(before, block, after, problems)
        for request_id in named:
            records = records_naming(view, request_id, forms)
            holder = event_holder(request_id, ids[request_id], records)
            if holder is not None and holder.event is not None:
                wanted.remove(request_id)
                yield FoundEvent(
                    request_id=request_id,
                    event=holder.event,
                    logged_for=holder.request_id,
                    lines=tuple(each.text for each in records if each.text),
                )


class Wanted:
    """Request ids that are sought: which of them stand in some bytes."""

    def __init__(self, ids: Collection[str]) -> None:
        self._ids = {each: each.encode("utf-8", "surrogatepass") for each in ids}
        self._middles: dict[bytes, list[str]] = {}
        self._others: list[str] = []
        for each in self._ids:
            if found := _UUID.fullmatch(each):
                self._middles.setdefault(found[1].encode("ascii"), []).append(each)
            else:
                self._others.append(each)

    def remove(self, request_id: str) -> None:
        """Seek this one no more."""
        self._ids.pop(request_id, None)

    def named_in(self, data: bytes) -> list[str]:
        """
        List those that stand in *data*.

        Many UUIDs are sought at once: one whose middle stands between hyphens may be there.
        """
        likely = list(self._ids)
        if len(self._ids) > _FEW:
            middles = self._middles.keys() & set(_MIDDLES.findall(data))
            likely = [*self._others, *(each for middle in middles for each in self._middles[middle])]
        return [each for each in likely if (wanted := self._ids.get(each)) is not None and wanted in data]
