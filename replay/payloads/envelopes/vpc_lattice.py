"""A request of VPC Lattice."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class VpcLattice(EventShape):
    """
    An event in the first or the second version; the answer is waited for.

    Source: VPC Lattice User Guide, "Lambda functions as targets in VPC Lattice".
    """

    name: ClassVar[str] = "vpc-lattice"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by the names of the first version, or by the service network of the second."""
        first = text_at(event, "raw_path") is not None and text_at(event, "method") is not None
        second = text_at(event, "requestContext", "serviceNetworkArn") is not None
        return EventSource(kind="direct") if first or second else None
