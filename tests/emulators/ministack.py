"""MiniStack 1.5.33: the second AWS emulator, quick and on any Python."""

from pathlib import Path

from tests.emulators.environments import Environment, install
from tests.emulators.server import Launch

ENVIRONMENT = Environment(name="ministack-1.5.33", requirements=("ministack[full]==1.5.33",))


def launch(folder: Path, port: int) -> Launch:
    """Prepare MiniStack on loopback, installed first when it is not; `folder` keeps its state."""
    interpreter = install(ENVIRONMENT)
    return Launch(
        name="ministack",
        command=(str(interpreter.with_name("ministack")),),
        port=port,
        settings={
            "BIND_HOST": "127.0.0.1",  # by itself it listens on every interface
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",  # else it also wants port 8883
        },
    )
