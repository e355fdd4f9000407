"""The first driver: takes captures from a source through redaction into fixtures."""

from replay.recorder.progress import Progress
from replay.recorder.recording import record
from replay.recorder.sampling import DEFAULT_SAMPLE
from replay.recorder.summary import RecordingSummary
from replay.recorder.tally import UNKNOWN_FAILURE

__all__ = ["DEFAULT_SAMPLE", "UNKNOWN_FAILURE", "Progress", "RecordingSummary", "record"]
