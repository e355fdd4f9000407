"""Which messages of a queue are held, each by its newest receipt handle, and which of them are deleted."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]
"""A message as `ReceiveMessage` gives it."""


@dataclass(slots=True)
class _Lease:
    handle: str
    expires: float
    lost: bool = False


class HeldMessages:
    """
    What several threads hold of one queue: message ids and receipt handles, nothing else. Times are `time.monotonic`'s.

    A message that is received again is held by its newer handle. A deletion by an older one leaves it held, since SQS
    may not have carried it out.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._leases: dict[str, _Lease] = {}
        self._seen: set[str] = set()
        self._deleted: set[str] = set()
        self.lost = 0
        """How many leases ran out, or could not be made longer, while they were needed."""

    def __len__(self) -> int:
        return len(self._leases)

    @property
    def seen(self) -> int:
        """How many different messages were received."""
        return len(self._seen)

    def hold(self, messages: Iterable[Message], expires: float) -> list[Message]:
        """Hold what was received; give those messages that never came before."""
        fresh = []
        with self._lock:
            for message in messages:
                identity = message["MessageId"]
                self._leases[identity] = _Lease(message["ReceiptHandle"], expires)
                if identity not in self._seen:
                    self._seen.add(identity)
                    fresh.append(message)
        return fresh

    def handle(self, identity: str) -> str | None:
        """Give the newest receipt handle of a message, or None when we no longer hold it for certain."""
        with self._lock:
            lease = self._leases.get(identity)
            return lease.handle if lease and not lease.lost else None

    def handles(self, identities: Iterable[str]) -> dict[str, str]:
        """Give the newest handles, also of leases that were lost: such a lease may run yet, and can be ended."""
        with self._lock:
            return {identity: self._leases[identity].handle for identity in identities if identity in self._leases}

    def expiring(self, before: float) -> list[str]:
        """Say which leases run out before then, and are not lost."""
        with self._lock:
            return [name for name, lease in self._leases.items() if lease.expires < before and not lease.lost]

    def renewed(self, handles: Mapping[str, str], expires: float) -> None:
        """Note that these leases run on, where no newer handle came meanwhile."""
        with self._lock:
            for lease in self._still(handles):
                lease.expires = expires

    def lose(self, handles: Mapping[str, str]) -> None:
        """Note that these leases can no longer be relied on, where no newer handle came meanwhile."""
        with self._lock:
            for lease in self._still(handles):
                self.lost += not lease.lost
                lease.lost = True

    def _still(self, handles: Mapping[str, str]) -> list[_Lease]:
        leases = ((self._leases.get(identity), handle) for identity, handle in handles.items())
        return [lease for lease, handle in leases if lease is not None and lease.handle == handle]

    def released(self, identities: Iterable[str]) -> None:
        """Note that these messages are visible again."""
        with self._lock:
            for identity in identities:
                self._leases.pop(identity, None)

    def deleted(self, handles: Mapping[str, str]) -> None:
        """Note that these messages were deleted, each by this handle; one with a newer handle is held yet."""
        with self._lock:
            self._deleted |= handles.keys()
            for identity, handle in handles.items():
                lease = self._leases.get(identity)
                if lease is not None and lease.handle == handle:
                    del self._leases[identity]

    def to_release(self) -> list[str]:
        """Give what is held and was never deleted."""
        with self._lock:
            return [identity for identity in self._leases if identity not in self._deleted]

    def to_delete_again(self) -> list[str]:
        """Give what came once more although it was deleted."""
        with self._lock:
            return [identity for identity in self._leases if identity in self._deleted]

    def last_expiry(self) -> float:
        """Say when the last lease runs out; 0 without one."""
        with self._lock:
            return max((lease.expires for lease in self._leases.values()), default=0.0)
