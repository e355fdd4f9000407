"""The memory of a function: how much it holds at most, and whether that is more than it may."""

from replay.targets.child.supervisor.process_tree import (
    can_measure_memory,
    descendants,
    peak_bytes,
    proportional_bytes,
    resident_bytes,
)

MIB = 1024 * 1024


class MemoryWatch:
    """
    Watches the process *pid* and its descendants against *limit_bytes*.

    Resident memory counts, as on Lambda: a program may reserve as much address space as it likes, which the runtimes of
    several languages do. What parent and child share after a fork counts once. Where the system does not tell (other
    than Linux), nothing is measured and no limit kept.
    """

    def __init__(self, pid: int, limit_bytes: int) -> None:
        self._pid = pid
        self._limit_bytes = limit_bytes
        self._peak_bytes = 0

    @property
    def peak_mb(self) -> float | None:
        """The most that was seen, in MiB; None where it is not measured."""
        return self._peak_bytes / MIB if can_measure_memory() else None

    @property
    def is_exceeded(self) -> bool:
        """Whether there was more than allowed at any time."""
        return self._peak_bytes > self._limit_bytes

    def look(self) -> None:
        """Measure the process and its descendants as they are now."""
        if can_measure_memory():
            processes = [self._pid, *descendants(self._pid)]
            held = resident_bytes(processes)
            if held > self._limit_bytes and len(processes) > 1:
                held = proportional_bytes(processes)
            self._peak_bytes = max(self._peak_bytes, held)

    def look_back(self) -> None:
        """Take the process's own peak, which no moment between two looks escapes."""
        self.note(peak_bytes(self._pid) if can_measure_memory() else 0)

    def note(self, peak: int) -> None:
        """Take a peak that somebody else has seen."""
        self._peak_bytes = max(self._peak_bytes, peak)
