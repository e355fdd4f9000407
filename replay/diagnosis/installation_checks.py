"""Whether replay itself is installed as it should be."""

import platform
from collections.abc import Iterator
from importlib import metadata

from replay.diagnosis.finding import Finding


def check_installation() -> Iterator[Finding]:
    """Say which replay and which Python this is, and whether pytest knows us."""
    version = metadata.version("event-replay")
    yield Finding(check="installation", level="ok", what=f"replay {version} on Python {platform.python_version()}")
    registered = [point.name for point in metadata.entry_points(group="pytest11") if point.name == "event_replay"]
    try:
        pytest_version = metadata.version("pytest")
    except metadata.PackageNotFoundError:
        yield Finding(
            check="pytest", level="note", what="pytest is not installed here", hint="pip install 'event-replay[pytest]'"
        )
        return
    if registered:
        yield Finding(
            check="pytest", level="ok", what=f"the plugin event_replay is registered with pytest {pytest_version}"
        )
    else:
        yield Finding(
            check="pytest", level="problem", what="the pytest plugin is not registered", hint="reinstall event-replay"
        )
