"""Ctrl-C while something is recorded from a network that has gone silent."""

import signal
import subprocess
import sys
import time

import pytest

RECORDING = """
import threading, time
from replay.cli.interruption import interruptible

def closing():
    time.sleep({closing_s})

with interruptible(lambda: "1 message of orders-dlq"):
    try:
        print("recording", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        hung = threading.Thread(target=closing)
        hung.start()
        hung.join()
print("given back", flush=True)
"""


def recording(*, closing_s: float) -> "subprocess.Popen[str]":
    """Start what hangs in a thread of its own once it is interrupted, as a call in a silent network does."""
    started = subprocess.Popen(
        [sys.executable, "-c", RECORDING.format(closing_s=closing_s)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stdout
    assert started.stdout.readline() == "recording\n"
    return started


def test_the_second_ctrl_c_ends_within_seconds_with_what_remains() -> None:
    """The first one says what is waited for; the second leaves threads that hang, and names what is not as it was."""
    process = recording(closing_s=60)
    process.send_signal(signal.SIGINT)
    assert process.stderr
    told = process.stderr.readline()
    assert told.startswith("Interrupted: waiting for answers of AWS, to leave everything as it was; Ctrl-C again ends ")
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, stderr = process.communicate(timeout=30)
    assert time.monotonic() - began < 10
    assert process.returncode == 130
    assert stderr == "Ended without waiting for AWS: 1 message of orders-dlq.\n"


@pytest.mark.parametrize("times", [1, 2])
def test_where_aws_answers_ctrl_c_gives_everything_back(times: int) -> None:
    """Nothing is said, and the second one of the impatient breaks nothing off that ends by itself soon."""
    process = recording(closing_s=1.0)
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout, stderr) == (0, "given back\n", "")
