"""Every completer that there is."""

from collections.abc import Sequence

from replay.enrichment.completion import Completer
from replay.enrichment.enrichment import ClientOf
from replay.enrichment.stream_completion import StreamCompleter
from replay.payloads.event_sources import EventSource


def completers_for(client_of: ClientOf, function: str, function_sources: Sequence[EventSource]) -> list[Completer]:
    """
    Give every completer there is.

    Args:
        client_of: Makes the client of a service where the captures come from (same account, region, endpoint).
        function: The function that the events are for, by any name.
        function_sources: Its event sources, as far as they are known.
    """
    return [StreamCompleter(client_of, function, function_sources)]
