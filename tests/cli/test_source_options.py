"""Options of sources out of the configuration and the command line."""

from pathlib import Path

import pytest

from replay.cli.source_options import build_options
from replay.sources.registry import source_class

WHERE = "[tool.replay.sources.old-logs]"


@pytest.mark.parametrize(("kind", "more"), [("s3-logs", {}), ("athena", {"engine": "duckdb"})])
def test_a_configured_path_is_seen_from_the_project(kind: str, more: dict[str, str], tmp_path: Path) -> None:
    """Wherever the command is run; a URL stays one, and a path of the command line is seen from where it is typed."""
    source = source_class(kind)
    configured = {"path": ["logs/app", "s3://bucket/logs/", "S3A://other/x", str(tmp_path / "far")], **more}
    options = build_options(source, {}, configured, where=WHERE, root=tmp_path)
    assert options.path == (str(tmp_path / "logs/app"), "s3://bucket/logs/", "S3A://other/x", str(tmp_path / "far"))
    options = build_options(source, {"path_argument": ("here",)}, configured, where=WHERE, root=tmp_path)
    assert options.path == ("here",)
