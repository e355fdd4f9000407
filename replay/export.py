"""Writing the events of fixtures out: JSON Lines for tools that know no fixtures, in a file or in S3."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from replay.config import Config
from replay.errors import ConfigurationError, FixtureError, ReplayError, TargetRefused
from replay.fixtures.fixture import Fixture, FixtureReference
from replay.fixtures.store import FixtureProblem
from replay.project import Project
from replay.targets.corpus_parts.buckets import OwnedBucket, S3Place, place_of_uri
from replay.targets.corpus_parts.item_lines import item_line
from replay.targets.corpus_parts.uploads import upload_lines
from replay.targets.guard_rails.destination import Destination
from replay.targets.guard_rails.options import DeployedOptions
from replay.targets.registry import find_target, target_class

_SUFFIX = ".jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written, and where; `left_out` are the fixtures that were not."""

    place: str
    events: int
    size_bytes: int
    left_out: Sequence[FixtureProblem] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketExport:
    """An export to S3 whose bucket was checked; nothing is written yet."""

    bucket: OwnedBucket
    place: S3Place
    destination: Destination


def export_fixtures(
    project: Project,
    references: Sequence[FixtureReference],
    to: str | Path,
    *,
    target: str = "",
    plan: BucketExport | None = None,
) -> Exported:
    """
    Write the events of *references* as JSON Lines, to a file or to `s3://BUCKET/PREFIX`.

    Args:
        target: As of `plan_bucket_export`.
        plan: For a bucket: what `plan_bucket_export` gave, and its user has agreed to.

    Raises:
        ConfigurationError: It cannot be written there.
        TargetRefused: The bucket is beyond this machine, and nobody has agreed to a plan; or it could hurt an account.
        AwsError: S3 did not take it.
    """
    uri = str(to)
    if not uri.startswith("s3://"):
        return export_to_file(project, references, Path(to))
    if plan is None:
        plan = plan_bucket_export(project, uri, target=target)
        if not plan.destination.on_this_machine:
            raise TargetRefused(
                "the bucket is beyond this machine, and nobody has agreed to what would be written",
                where=plan.destination.arn,
                expected="a plan that its user has seen",
                hint="show plan_bucket_export(…), and give it as plan=; on the command line: replay export, or --yes",
            )
    return export_to_bucket(project, references, plan)


def plan_bucket_export(project: Project, uri: str, *, target: str = "", at: datetime | None = None) -> BucketExport:
    """
    Check where an export to `s3://BUCKET/PREFIX` would go.

    What is written is PREFIX itself where that ends in `.jsonl`, and else a new object below it.

    Args:
        target: The section of `[tool.replay.targets]` that says in which account the bucket must be; by default that of
            a target with this bucket.

    Raises:
        ConfigurationError: It is no place in S3, or there is no such target.
        TargetRefused: It could hurt an account.
        AwsError: It could not be looked at.
    """
    place = place_of_uri(uri, where="--s3")
    if not place.prefix.endswith(_SUFFIX):
        place = place.below(f"replay-{at or datetime.now(UTC):%Y%m%dT%H%M%SZ}{_SUFFIX}")
    bucket = OwnedBucket(place.bucket, _options(project.config, place.bucket, target))
    return BucketExport(bucket=bucket, place=place, destination=bucket.checked())


def export_to_bucket(project: Project, references: Sequence[FixtureReference], export: BucketExport) -> Exported:
    """
    Write the events of *references* as one object; see `item_line` for its lines.

    Raises:
        AwsError: S3 did not take it; then there is none.
    """
    lines = _Lines(project, references)
    export.bucket.checked()  # a Python caller has not agreed to anything else
    written = upload_lines(export.bucket, export.place.prefix, lines)
    return Exported(
        place=str(written.place), events=written.lines, size_bytes=written.size_bytes, left_out=tuple(lines.left_out)
    )


def export_to_file(project: Project, references: Sequence[FixtureReference], path: Path) -> Exported:
    """
    Write the events of *references* into a file, which is there whole or not at all.

    Raises:
        ConfigurationError: It cannot be written.
    """
    lines = _Lines(project, references)
    beside = path.with_name(f".{path.name}.part")
    size = count = 0
    try:
        with beside.open("wb") as file:
            for line in lines:
                count += 1
                size += file.write(line)
        beside.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"it cannot be written: {(error.strerror or type(error).__name__).lower()}",
            where=f"--out {path}",
            hint="name another file",
        ) from error
    finally:
        beside.unlink(missing_ok=True)
    return Exported(place=str(path), events=count, size_bytes=size, left_out=tuple(lines.left_out))


def export_lines(
    project: Project, references: Iterable[FixtureReference], left_out: Callable[[FixtureProblem], object]
) -> Iterator[bytes]:
    """
    Give a line for each fixture that can be read and is redacted by the rules of today.

    Args:
        left_out: Is told of each other one.
    """
    redactor = project.redactor
    for loaded in project.store.load_all(references):
        if isinstance(loaded, FixtureProblem):
            left_out(loaded)
            continue
        try:
            yield _line(loaded, is_redacted=redactor.event(loaded.event_text).text == loaded.event_text)
        except ReplayError as error:
            left_out(FixtureProblem(reference=loaded.reference, error=_as_fixture_error(error, loaded)))


def _line(fixture: Fixture, *, is_redacted: bool) -> bytes:
    if not is_redacted:
        raise FixtureError(
            "its event holds what redaction would take out: it is not exported",
            where=str(fixture.reference),
            expected="an event that is redacted by the rules of today",
            hint=f"replay redact {fixture.reference.short}",
        )
    return item_line(str(fixture.reference), fixture.event_text)


def _as_fixture_error(error: ReplayError, fixture: Fixture) -> FixtureError:
    if isinstance(error, FixtureError):
        return error
    return FixtureError(error.what, where=str(fixture.reference), hint=error.hint)


class _Lines:
    """The lines of an export, and what was left out of them."""

    def __init__(self, project: Project, references: Iterable[FixtureReference]) -> None:
        self._project, self._references = project, references
        self.left_out: list[FixtureProblem] = []

    def __iter__(self) -> Iterator[bytes]:
        return export_lines(self._project, self._references, self.left_out.append)


def _options(config: Config, bucket: str, target: str) -> DeployedOptions:
    """Give what the section of a target says of accounts: of the one that is named, or that has this bucket."""
    names = [target] if target else [name for name, table in config.targets.items() if _is_about(table, bucket)]
    if not names:
        return DeployedOptions()
    named = find_target(names[0], config.targets, root=config.root)
    if not issubclass(target_class(named.kind).options, DeployedOptions):
        raise ConfigurationError(
            f"the target {names[0]} is in no account", where=f"--target {names[0]}", expected="a deployed target"
        )
    known = {item.name for item in fields(DeployedOptions)}
    said: dict[str, Any] = {name: value for name, value in named.options.items() if name in known}
    return DeployedOptions(**said)


def _is_about(table: Any, bucket: str) -> bool:
    said = [value for value in table.values() if isinstance(value, str)]
    return bucket in said or any(value.startswith((f"s3://{bucket}/",)) or value == f"s3://{bucket}" for value in said)
