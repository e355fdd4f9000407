"""The timeout, kept in our own process."""

import signal
import sys
import threading
import time

import pytest

from replay.targets.in_process import deadline
from replay.targets.in_process.deadline import Deadline, TimedOut
from replay.targets.local import LocalTarget
from tests.targets.conftest import attempt


@pytest.fixture(autouse=True)
def _alarm_is_given_back():
    before = signal.getsignal(signal.SIGALRM)
    yield
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_function_that_hangs_times_out(service, answer):
    """A hanging handler ends at its timeout, with AWS's type and words; the stack says where it hung, the frames do not count."""
    reply = answer(service("import time\ndef handler(event, context): time.sleep(30)", timeout_s=0.05))
    assert (reply.status, reply.failure.error_type) == ("timed_out", "Sandbox.Timedout")
    assert reply.failure.message == f"RequestId: {attempt().request_id} Error: Task timed out after 0.05 seconds"
    assert reply.failure.frames == ()
    assert "time.sleep(30)" in reply.failure.stack
    assert 0.05 <= reply.duration_s < 2


def test_a_function_that_spins_times_out(service, answer):
    """A handler in an endless loop ends too."""
    assert answer(service("def handler(event, context):\n while True: pass", timeout_s=0.05)).status == "timed_out"


def test_no_handler_holds_its_timeout_back(service, answer, monkeypatch):
    """`except Exception` does not catch the timeout, and whoever swallows it gets it again."""
    monkeypatch.setattr(deadline, "_AGAIN_AFTER_S", 0.02)
    code = """\
        import time
        def handler(event, context):
            swallowed = 0
            while True:
                try:
                    time.sleep(30)
                except Exception:
                    return "caught as Exception"
                except BaseException:
                    swallowed += 1
                    if swallowed == 3: raise
        """
    reply = answer(service(code, timeout_s=0.05))
    assert reply.status == "timed_out"
    assert reply.duration_s >= 0.09


def test_after_a_timeout_the_process_is_new(service):
    """What the function kept in memory is gone after a timeout, as on AWS."""
    code = "import time\ncount = 0\ndef handler(event, context):\n global count\n count += 1\n time.sleep(event)\n return count"
    with LocalTarget(service(code, timeout_s=0.05)) as target:
        target.begin()
        assert [target.invoke(attempt(s)).payload for s in (0, 0, 30, 0)] == ["1", "2", None, "1"]


def test_a_function_in_time_is_left_alone(service, answer):
    """A handler that is done in time is not disturbed afterwards."""
    assert answer(service("def handler(event, context): return 1", timeout_s=0.03)).payload == "1"
    time.sleep(0.06)


def test_a_module_that_hangs_times_out(service, answer, monkeypatch):
    """Importing has a time limit too: ten seconds, or the function's timeout if that is longer."""
    monkeypatch.setattr("replay.targets.in_process.python_runtime._INIT_LIMIT_S", 0.05)
    reply = answer(service("import time\ntime.sleep(30)\ndef handler(event, context): pass", timeout_s=0.02))
    assert (reply.status, reply.failure.request_id) == ("timed_out", "")


def test_other_threads_are_not_timed_but_noted(service):
    """Outside the main thread the timeout cannot be kept: the function runs to its end, and a note says so."""
    function = service("import time\ndef handler(event, context): time.sleep(0.05); return 'late'", timeout_s=0.01)
    with LocalTarget(function) as target:
        target.begin()
        replies = []
        thread = threading.Thread(target=lambda: replies.append(target.invoke(attempt())))
        thread.start()
        thread.join()
        assert replies[0].payload == '"late"'
        assert [note for note in target.notes if "timeout" in note]


# Somebody else's alarm


class OthersAlarm(BaseException):
    pass


@pytest.fixture
def others():
    """Somebody else's handler of SIGALRM, as pytest-timeout has one."""
    rung = []

    def ring(*_):
        rung.append(time.perf_counter())
        raise OthersAlarm

    before = signal.signal(signal.SIGALRM, ring)
    yield rung
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_anothers_timer_goes_on(others):
    """A timer that ran before goes on with what is left of it, interval and all."""
    signal.setitimer(signal.ITIMER_REAL, 10, 3)
    with Deadline(5):
        time.sleep(0.02)
    left, interval = signal.getitimer(signal.ITIMER_REAL)
    assert 9.5 < left < 9.99
    assert interval == 3


def test_anothers_alarm_that_is_due_first_is_passed_on(others):
    """An alarm of somebody else that is due inside reaches them, not the function."""
    signal.setitimer(signal.ITIMER_REAL, 0.03)
    with pytest.raises(OthersAlarm), Deadline(5):
        time.sleep(1)
    assert len(others) == 1
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_anothers_alarm_that_says_nothing_does_not_end_the_function():
    """After somebody else's alarm has been served the function's own deadline still holds."""
    served = []
    before = signal.signal(signal.SIGALRM, lambda *_: served.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    started = time.perf_counter()
    with pytest.raises(TimedOut), Deadline(0.06):
        time.sleep(1)
    assert time.perf_counter() - started >= 0.06
    assert served == [1]
    signal.signal(signal.SIGALRM, before)


def test_an_alarm_that_became_due_inside_rings_afterwards(others, monkeypatch):
    """Somebody else's alarm that was due while the function timed out is not lost."""
    signal.setitimer(signal.ITIMER_REAL, 0.08)
    with pytest.raises(OthersAlarm):  # noqa: PT012 - the alarm comes after the block
        with pytest.raises(TimedOut), Deadline(0.02):
            time.sleep(1)
        time.sleep(1)
    assert len(others) == 1


def test_time_does_not_count_in_a_debugger(monkeypatch):
    """While a debugger holds the function its deadline is not enforced."""

    class Tracer:
        __module__ = "bdb"

        def __call__(self, *_):
            return None

    monkeypatch.setattr(sys, "gettrace", Tracer, raising=True)
    with Deadline(0.01):
        time.sleep(0.03)


def test_time_can_be_lost_at_once():
    """Lost seconds count, up to all that are left; then the function is out of time."""
    with Deadline(60) as deadline:
        deadline.spend(20)
        deadline.spend(30)
        assert deadline.spent_s == 50
        with pytest.raises(TimedOut):
            deadline.spend(float("inf"))
    assert 59 < deadline.spent_s <= 60


def test_lost_time_brings_the_alarm_forward():
    """A function that goes on after it has lost time is stopped when the rest is over."""
    started = time.perf_counter()

    def go_on():
        with Deadline(60) as deadline:
            deadline.spend(59.9)
            while True:
                pass

    with pytest.raises(TimedOut):
        go_on()
    assert time.perf_counter() - started < 5


def test_time_is_lost_where_no_alarm_can_ring():
    """In a thread of ours there is no alarm; losing all the time ends the function there too."""
    ends = []

    def elsewhere():
        try:
            with Deadline(60) as deadline:
                deadline.spend(60)
        except TimedOut as error:
            ends.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert len(ends) == 1
