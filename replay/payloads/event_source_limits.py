"""The settings of an event source that AWS accepts: the range of each, and which belong together."""

from collections.abc import Mapping

from replay.errors import ConfigurationError
from replay.payloads.event_sources import EventSource

LIMITS: Mapping[str, tuple[int, int]] = {
    # Source: Lambda API reference, CreateEventSourceMapping, PutFunctionEventInvokeConfig; SQS quotas.
    "batch_size": (1, 10_000),
    "maximum_batching_window_s": (0, 300),
    "max_receive_count": (1, 1_000),
    "visibility_timeout_s": (0, 43_200),
    "maximum_retry_attempts": (-1, 10_000),
    "maximum_event_age_s": (60, 21_600),
    "maximum_record_age_s": (-1, 604_800),
    "parallelization_factor": (1, 10),
    "tumbling_window_s": (0, 900),
    "maximum_concurrency": (2, 1_000),
    "reserved_concurrency": (0, 1_000_000),
    "caller_timeout_s": (1, 99_999_999),
}
"""The least and the most of each setting, whatever the kind of event source."""

_ASYNCHRONOUS = frozenset({"sns", "s3", "eventbridge", "schedule", "async"})
_BATCH_WITHOUT_WINDOW = 10
_YOUNGEST_RECORD_S = 60
_WHAT_AWS_ACCEPTS = "correct the setting: AWS refuses it too"


def check_settings(source: EventSource) -> None:
    """
    Refuse an event source that AWS would not let be configured; a setting that is None is AWS's default.

    Beyond the ranges of each setting: asynchronous invocations are retried 0 to 2 times; records of a stream are at
    least 60 s old before they are given up (or -1, never); batches of a FIFO queue hold at most 10; more than 10
    messages of a queue need a batching window.

    Raises:
        ConfigurationError: A setting is beyond what AWS accepts.

    Source: Lambda API reference, CreateEventSourceMapping and PutFunctionEventInvokeConfig; recording
    test_event_source_mapping_default_batch_size.
    """
    narrower = _of_kind(source)
    for name, (low, high) in ({**LIMITS, **narrower} if narrower else LIMITS).items():
        value = getattr(source, name)
        if value is not None and (type(value) is not int or not low <= value <= high):
            raise _refused(source, f"{name} = {value!r} cannot be used", f"{name} = a number from {low:,} to {high:,}")
    if source.maximum_record_age_s is not None and -1 < source.maximum_record_age_s < _YOUNGEST_RECORD_S:
        what = f"maximum_record_age_s = {source.maximum_record_age_s} cannot be used"
        raise _refused(source, what, "maximum_record_age_s = -1 (no limit), or at least 60")
    batch, window = source.batch_size or 0, source.maximum_batching_window_s or 0
    if source.kind == "sqs" and batch > _BATCH_WITHOUT_WINDOW and not window:
        raise _refused(
            source,
            f"batch_size = {batch} cannot be used: Maximum batch window in seconds must be greater than 0 if maximum "
            "batch size is greater than 10",
            "batch_size = at most 10, or maximum_batching_window_s = at least 1",
        )


def _of_kind(source: EventSource) -> Mapping[str, tuple[int, int]]:
    """Narrow the ranges to those of the kind of *source*."""
    if source.kind in _ASYNCHRONOUS:
        return {"maximum_retry_attempts": (0, 2)}
    if source.kind == "sqs" and (source.fifo or (source.arn or "").endswith(".fifo")):
        return {"batch_size": (1, _BATCH_WITHOUT_WINDOW)}
    return {}


def _refused(source: EventSource, what: str, expected: str) -> ConfigurationError:
    where = f"event source {source.kind}{f' {source.arn}' if source.arn else ''}"
    return ConfigurationError(what, where=where, expected=expected, hint=_WHAT_AWS_ACCEPTS)
