"""
LocalStack whose archives can be replayed, run by LocalStack's own interpreter in place of `localstack.runtime.main`.

It keeps the time of an archived event as text and reads it as a datetime, so that by itself 4.14.0 answers each
StartReplay whose archive has an event with a 500. The one thing that is changed: the time is kept as a datetime.
"""

from datetime import datetime
from typing import Any

from localstack.runtime import main
from localstack.services.events import archive


def _put_events(service: Any, events: list[dict[str, Any]]) -> None:
    for event in events:
        time = event["time"]
        kept = datetime.fromisoformat(time) if isinstance(time, str) else time
        service.archive.events[event["id"]] = event | {"time": kept}


archive.ArchiveService.put_events = _put_events

if __name__ == "__main__":
    main.main()
