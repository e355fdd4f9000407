"""Moments are read as people write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from replay.errors import ConfigurationError
from replay.sources.moments import moment

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("15m", NOW - timedelta(minutes=15)),
        ("2h", NOW - timedelta(hours=2)),
        ("1.5 H", NOW - timedelta(hours=1.5)),
        ("3d", NOW - timedelta(days=3)),
        ("1w", NOW - timedelta(weeks=1)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T08:30", datetime(2026, 11, 20, 8, 30, tzinfo=UTC)),
        ("2026-11-20T08:30:15Z", datetime(2026, 11, 20, 8, 30, 15, tzinfo=UTC)),
        ("2026-11-20T08:30+01:00", datetime(2026, 11, 20, 8, 30, tzinfo=timezone(timedelta(hours=1)))),
    ],
)
def test_a_moment_is_a_time_ago_or_a_date(text: str, expected: datetime) -> None:
    """Times ago count from now; a date without a zone is UTC."""
    assert moment(text, now=NOW) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2", "h", "-2h", "2026-13-01", "99999999d", "999999w"])
def test_anything_else_is_told_with_its_option(text: str) -> None:
    """What cannot be read names the option and shows how to write it."""
    with pytest.raises(ConfigurationError) as caught:
        moment(text, now=NOW, option="--since")
    assert caught.value.where.startswith("--since")
    assert "2h" in caught.value.expected
