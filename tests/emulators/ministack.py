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


def bootstrap(interpreter: Path) -> str:
    """
    Write what starts AWS's own runtime client under *interpreter*, as the runtime `provided.al2023` has it.

    MiniStack gives an error 50 ms to arrive in the log, and else writes it into the log of the next invocation: here the
    client lets some time pass between the error's lines and its answer.
    """
    return f"""\
#!/bin/sh
exec "{interpreter}" -c '
import sys, time
from awslambdaric import __main__, bootstrap
told = bootstrap.log_error
def log_error(*words):
    told(*words)
    time.sleep(0.3)
bootstrap.log_error = log_error
__main__.main(["awslambdaric", sys.argv[1]])
' "$_HANDLER"
"""
