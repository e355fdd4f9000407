"""The root conftest's promises: no account and no network in any test."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import boto3
import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "127.0.0.1.example.com", "localhost.example.com"])
def test_nothing_beyond_this_machine_is_reached(host: str) -> None:
    """A connection or a name look-up beyond loopback fails the test that tries it."""
    with pytest.raises(pytest.fail.Exception, match="tests stay on this machine"):
        socket.create_connection((host, 443), timeout=0.1)


def test_a_client_that_retries_on_every_error_cannot_hide_it() -> None:
    """botocore turns errors of the socket into its own and retries; the guard's failure passes through."""
    with pytest.raises(pytest.fail.Exception, match=r"sts\.amazonaws\.com|sts\.us-east-1\.amazonaws\.com"):
        boto3.client("sts").get_caller_identity()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_open(host: str) -> None:
    """Servers of the tests themselves are reached."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection((host, server.getsockname()[1]), timeout=1).close()


def test_no_account_is_left() -> None:
    """Credentials are made up, and no profile, role, endpoint or certificate of the user is in reach."""
    names = {name for name in os.environ if name.startswith("AWS_")}
    assert names == {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_DEFAULT_REGION",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_EC2_METADATA_DISABLED",
    }
    assert boto3.Session().available_profiles == []
    credentials = boto3.Session().get_credentials()
    assert credentials is not None
    assert credentials.access_key == "testing"


def test_a_pytest_in_a_test_has_temporary_folders_of_its_own(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It would remove what earlier sessions of ours have left there at its end, and keep a test waiting for minutes."""
    (tmp_path / "test_inner.py").write_text("def test_it(tmp_path): print(tmp_path)")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-s",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        "test_inner.py",
    ]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert str(tmp_path_factory.getbasetemp()) in told
