"""Request ids that are the same in every run, so that two runs of one event can be compared line by line."""

from hashlib import sha256
from uuid import UUID, uuid5

_DELIVERIES = UUID("5f0c4a3e-93b5-5e0e-9d3a-5b0d6a1f7c21")


class RequestIds:
    """The request ids of one delivery: `ids(1)` is that of its first invocation."""

    def __init__(self, event_text: str) -> None:
        self._digest = sha256(event_text.encode("utf-8", "surrogatepass")).hexdigest()

    def __call__(self, number: int) -> str:
        """Give the request id of invocation *number*, which counts from 1."""
        return str(uuid5(_DELIVERIES, f"{self._digest}/{number}"))
