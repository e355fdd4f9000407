"""The supervisor's own parts: descendants, memory, messages, and what a process is started with."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from replay.errors import TargetError
from replay.targets.child.child_process import ChildProcess
from replay.targets.child.memory_watch import MIB, MemoryWatch
from replay.targets.child.supervisor import process_tree
from replay.targets.child.supervisor.messages import MessageChannel
from tests.targets.child.processes import none_left, wait_until

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")


@pytest.fixture
def family():
    """A shell with a child and a grandchild, which says when they are all there."""
    script = "sh -c 'sleep 60 & echo ready; wait' & wait"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        yield shell.pid
        os.killpg(shell.pid, 9)


def test_descendants_are_found_by_each_way(family, monkeypatch):
    """By the lists of children, by the parents in /proc, and by `ps`: the same processes."""
    found = sorted(process_tree.descendants(family))
    assert len(found) == 2
    monkeypatch.setattr(process_tree, "_CHILDREN", False)
    assert sorted(process_tree.descendants(family)) == found
    monkeypatch.setattr(process_tree, "_PROC", False)
    assert sorted(process_tree.descendants(family)) == found
    assert process_tree.descendants(2**22 + 1) == []


def test_memory_is_measured_and_a_process_that_is_gone_has_none(family):
    """Resident, proportional and peak memory of processes."""
    assert process_tree.resident_bytes([family]) > 100_000
    assert 0 < process_tree.proportional_bytes([family]) <= process_tree.resident_bytes([family])
    assert process_tree.peak_bytes(family) >= process_tree.resident_bytes([family]) // 2
    gone = [2**22 + 1]
    assert (
        process_tree.resident_bytes(gone)
        == process_tree.proportional_bytes(gone)
        == process_tree.peak_bytes(gone[0])
        == 0
    )


def test_memory_is_watched(family):
    """A peak is kept, and exceeds the limit or not."""
    watch = MemoryWatch(family, 1 * MIB)
    watch.look()
    assert watch.peak_mb > 0
    watch.note(5 * MIB)
    assert (watch.peak_mb, watch.is_exceeded) == (5, True)


def test_where_memory_cannot_be_measured_there_is_no_limit(family, monkeypatch):
    """On a system that does not tell, nothing is measured and nobody is killed for it."""
    monkeypatch.setattr(process_tree, "_PROC", False)
    watch = MemoryWatch(family, 1)
    watch.look()
    watch.look_back()
    assert (watch.peak_mb, watch.is_exceeded) == (None, False)


def test_messages_carry_descriptors():
    """Messages of any size arrive whole, with what was sent beside them, and an end that is gone is an end."""
    ours, theirs = (MessageChannel(end) for end in socket.socketpair())
    read, write = os.pipe()
    ours.send({"do": "start", "environment": {"A": "x" * 100_000, "B": "\udcff"}}, [write])
    message, (copy,) = theirs.receive()
    assert message["environment"] == {"A": "x" * 100_000, "B": "\udcff"}
    os.write(copy, b"!")
    assert os.read(read, 1) == b"!"
    for descriptor in (read, write, copy):
        os.close(descriptor)
    ours.close()
    with pytest.raises(EOFError):
        theirs.receive()
    theirs.close()


def test_a_process_starts_clean(tmp_path):
    """It has no input, a session of its own, no core dumps, default signals, and nothing open but its log."""
    code = (
        "import os, resource, signal\n"
        "print(os.read(0, 1), os.getsid(0) == os.getpid(), resource.getrlimit(resource.RLIMIT_CORE)[0],"
        " signal.getsignal(signal.SIGINT) is signal.default_int_handler, sorted(os.environ), os.getcwd(),"
        " [fd for fd in os.listdir('/proc/self/fd') if int(fd) > 2][1:])\n"
    )
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does for what it runs in the background
    try:
        with ChildProcess(closed_network=False) as child:
            read, write = os.pipe()
            child.start([sys.executable, "-S", "-E", "-c", code], {"A": "1"}, tmp_path, write)
            assert child.take_end().status == 0
            shown = os.read(read, 10_000).decode()
            os.close(read)
            os.close(write)
    finally:
        signal.signal(signal.SIGINT, before)
    assert shown.startswith("b'' True 0 True ['A'")
    assert shown.rstrip().endswith(f"{tmp_path} []")


def test_a_program_that_is_not_there_is_refused(tmp_path):
    """The supervisor says why, and can start another one."""
    with ChildProcess(closed_network=False) as child:
        with pytest.raises(TargetError, match="No such file or directory: /nowhere"):
            child.start(["/nowhere"], {}, tmp_path, 1)
        child.start(["sh", "-c", "exit 4"], {"PATH": os.environ["PATH"]}, tmp_path, 1)
        assert child.take_end().status == 4 << 8


def test_frozen_processes_are_killed_too(tmp_path):
    """A process that was frozen, with its children, ends with the block."""
    with none_left(tmp_path) as marked, ChildProcess(closed_network=False) as child:
        environment = {"PATH": os.environ["PATH"], **marked.environment}
        child.start(["sh", "-c", "sleep 60 & sleep 60"], environment, tmp_path, 1)
        # Both are to have become `sleep`: one that is stopped just before holds its parent in the kernel.
        assert wait_until(lambda: sorted(map(_name, marked.alive())) == ["sh", "sleep", "sleep"])
        child.freeze()
        state = Path(f"/proc/{child.pid}/stat")
        assert wait_until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T")
        child.thaw()
        assert wait_until(lambda: state.read_text().rpartition(")")[2].split()[0] == "S")
        child.freeze()


def _name(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def test_a_network_of_its_own_has_only_our_listeners(tmp_path):
    """Nothing of this machine is reached from there, and what listens for it is reached by it."""
    with ChildProcess(closed_network=True) as child, socket.create_server(("127.0.0.1", 0)) as outside:
        child.make_ready()
        if not child.is_network_closed:
            pytest.skip(f"this system allows no network namespace: {child.why_open}")
        code = (
            "import socket, sys\n"
            "for port in sys.argv[1:]: print(socket.socket().connect_ex(('127.0.0.1', int(port))) == 0, end=' ')\n"
        )
        read, write = os.pipe()
        ports = [outside.getsockname()[1], *child.ports]
        child.start([sys.executable, "-c", code, *map(str, ports)], {}, tmp_path, write)
        child.take_end()
        assert os.read(read, 1_000) == b"False True True "
        os.close(read)
        os.close(write)


def test_where_there_is_no_namespace_the_process_runs_without(monkeypatch):
    """What a system refuses once is not asked for again, and the reason is told."""
    monkeypatch.setattr(ChildProcess, "_why_this_system_is_open", "")
    with ChildProcess(closed_network=True) as child:
        real = child._receive
        messages = iter([({"event": "open", "why": "not allowed"}, [])])
        monkeypatch.setattr(child, "_receive", lambda: next(messages, None) or real())
        child.make_ready()
        assert (child.is_network_closed, child.why_open) == (False, "not allowed")
        assert all(child.ports)
    with ChildProcess(closed_network=True) as another:
        another.make_ready()
        assert (another.is_network_closed, another.why_open) == (False, "not allowed")
