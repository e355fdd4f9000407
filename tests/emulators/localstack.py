"""LocalStack without Docker ("host mode"): 4.14.0, the last release that needs no token, on Python 3.13 only."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tests.emulators import ministack
from tests.emulators.environments import Environment, install, install_packages
from tests.emulators.node import KINESIS
from tests.emulators.server import DYNAMODB_CALL, KINESIS_CALL, STS_CALL, Launch

ENVIRONMENT = Environment(
    name="localstack-4.14.0",
    python="3.13",
    # Newer cbor2 and pyopenssl break this release; service-identity only silences a warning of its log; awslambdaric
    # runs the functions.
    requirements=(
        "localstack-core[runtime]==4.14.0",
        "cbor2<5.8",
        "pyopenssl<25.2",
        "service-identity",
        "awslambdaric==4.2.2",
    ),
)


def launch(
    folder: Path,
    port: int,
    *,
    launcher: str = "",
    settings: Mapping[str, str] | None = None,
) -> Launch:
    """
    Prepare LocalStack, installed first when it is not.

    Args:
        folder: Where it keeps its state.
        port: Where it listens, on loopback.
        launcher: The file beside this one that patches LocalStack before it starts.
        settings: More environment variables, or others.
    """
    interpreter = install(ENVIRONMENT)
    patched = [_beside(launcher)] if launcher else []
    return Launch(
        name="localstack",
        command=(str(interpreter), "-P", *map(str, [_beside("localstack_apart.py"), folder / "s3", *patched])),
        port=port,
        settings={
            "GATEWAY_LISTEN": f"127.0.0.1:{port}",
            "FILESYSTEM_ROOT": str(folder / "filesystem"),
            "LOCALSTACK_VOLUME_DIR": str(folder / "volume"),
            "OVERRIDE_IN_DOCKER": "0",  # inside a container it would ignore FILESYSTEM_ROOT and write to /var/lib
            "DISABLE_EVENTS": "1",  # no usage events
            "SKIP_SSL_CERT_DOWNLOAD": "1",
            "DNS_ADDRESS": "0",  # no DNS server of its own
            **(settings or {}),
        },
    )


def launch_with_lambda(folder: Path, port: int) -> Launch:
    """
    Prepare LocalStack with a Lambda that runs Python functions in processes, and polls and retries at once.

    Its tables are kept by MiniStack: Amazon's own program for that is nobody's to give away, and is not downloaded.
    """
    first_calls = (STS_CALL, DYNAMODB_CALL)
    if shutil.which("npm"):
        _give_kinesis(folder)
        first_calls = (*first_calls, KINESIS_CALL)
    prepared = launch(
        folder,
        port,
        launcher="localstack_with_lambda.py",
        settings={
            "TMPDIR": str(folder),  # the functions' code is unpacked there
            "DYNAMODB_COMMAND": str(install(ministack.ENVIRONMENT).with_name("ministack")),
            "LAMBDA_RETRY_BASE_DELAY": "1",  # seconds; 60 on AWS
            "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0.2",
            "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "1",
            "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_ERROR_SEC": "0.2",
        },
    )
    return replace(prepared, first_calls=first_calls)


def launch_with_archives(folder: Path, port: int) -> Launch:
    """Prepare LocalStack whose archives of events can be replayed."""
    return launch(folder, port, launcher="localstack_with_archives.py")


def _beside(name: str) -> Path:
    return Path(__file__).with_name(name)


def _give_kinesis(folder: Path) -> None:
    """Put its Kinesis where it would install it: npm in its clean environment may not know how to reach a registry."""
    place = folder / "filesystem" / "var" / "lib" / "localstack" / "lib" / "kinesis-local" / "0.5.2"
    place.mkdir(parents=True)
    (place / "node_modules").symlink_to(install_packages(KINESIS) / "node_modules")
