"""
`python -m tests.emulators install` installs what the emulators need; `… localstack` runs LocalStack until Ctrl-C;
`… keep` is what the tests start.

Only the standard library is needed, so that it runs before anything is installed.
"""

import argparse
import shutil
import signal
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.emulators import localstack, ministack, node
from tests.emulators.environments import EnvironmentCannotBeBuilt, install, install_packages
from tests.emulators.server import ServerDidNotStart, running
from tests.emulators.shared import KINDS, keep


def main() -> int:
    """Run one command; 2 means that this machine lacks something, and the message says what."""
    parser = argparse.ArgumentParser(prog="python -m tests.emulators", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "install", help="install LocalStack, MiniStack and, where there is npm, what they and Node need of it"
    )
    serve = commands.add_parser("localstack", help="run LocalStack without Docker until Ctrl-C")
    serve.add_argument("--port", type=int, default=4566)
    kept = commands.add_parser("keep", help="run a server as long as somebody holds the lock in its folder")
    kept.add_argument("kind", choices=KINDS)
    kept.add_argument("folder", type=Path)
    options = parser.parse_args()
    try:
        if options.command == "install":
            _install_all()
        elif options.command == "keep":
            keep(options.kind, options.folder)
        else:
            _serve_localstack(options.port)
    except (EnvironmentCannotBeBuilt, ServerDidNotStart) as problem:
        print(problem, file=sys.stderr)
        return 2
    return 0


def _install_all() -> None:
    with ThreadPoolExecutor() as pool:
        environments = [pool.submit(install, each) for each in (localstack.ENVIRONMENT, ministack.ENVIRONMENT)]
        wanted = (node.AWS_SDK, node.KINESIS, node.RUNTIME_CLIENT) if shutil.which("npm") else ()
        packages = [pool.submit(install_packages, each) for each in wanted]
        for installed in (*environments, *packages):
            print(f"ready: {installed.result()}")


def _serve_localstack(port: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a closed terminal leaves no server behind either
        signal.signal(number, signal.default_int_handler)
    print("LocalStack 4.14.0 in host mode (the first start installs it, about a minute) ...", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="localstack-") as name:
        folder = Path(name)
        try:
            with running(localstack.launch(folder, port), folder) as server:
                print(f"export AWS_ENDPOINT_URL={server.url}", flush=True)
                print(f"Log: {server.log}\nCtrl-C stops it and forgets its state.", file=sys.stderr)
                signal.pause()
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
