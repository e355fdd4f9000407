"""LocalStack without Docker ("host mode"): 4.14.0, the last release that needs no token, on Python 3.13 only."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.emulators.environments import Environment, install
from tests.emulators.server import Launch

ENVIRONMENT = Environment(
    name="localstack-4.14.0",
    python="3.13",
    # Newer cbor2 and pyopenssl break this release; service-identity only silences a warning of its log.
    requirements=("localstack-core[runtime]==4.14.0", "cbor2<5.8", "pyopenssl<25.2", "service-identity"),
)


def launch(
    folder: Path,
    port: int,
    *,
    program: Sequence[str] = ("-m", "localstack.runtime.main"),
    settings: Mapping[str, str] | None = None,
) -> Launch:
    """
    Prepare LocalStack, installed first when it is not.

    Args:
        folder: Where it keeps its state.
        port: Where it listens, on loopback.
        program: What its interpreter runs: a launcher that patches LocalStack before it starts goes here.
        settings: More environment variables, or others.
    """
    interpreter = install(ENVIRONMENT)
    return Launch(
        name="localstack",
        command=(str(interpreter), *program),
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
