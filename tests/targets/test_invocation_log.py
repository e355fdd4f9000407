"""What is printed and logged, as Lambda's log has it."""

import logging
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.targets.in_process.invocation_log import BoundedText
from replay.targets.local import LocalTarget
from tests.targets.conftest import attempt


def logged(answer, service, *lines, event=None):
    body = "\n".join(f"    {line}" for line in lines)
    return answer(
        service(f"import logging, os, sys, warnings\nlog = logging.getLogger()\ndef handler(event, context):\n{body}"),
        event,
    )


def test_prints_are_raw_and_in_order(service, answer):
    """stdout and stderr go into the log as they are, in the order in which they were written."""
    reply = logged(
        answer,
        service,
        "print('one', end='')",
        "print('two', file=sys.stderr)",
        "sys.stdout.buffer.write(b'th\\xffree')",
        "context.log('four')",
    )
    assert reply.log == "onetwo\nth�reefour"


def test_log_records_have_lambdas_form(service, answer):
    """A record is [LEVEL], time in UTC with milliseconds, request id and message, between tabs."""
    reply = logged(answer, service, "log.warning('lost %s', 'one')")
    form = rf"\[WARNING\]\t\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z\t{attempt().request_id}\tlost one\n"
    assert re.fullmatch(form, reply.log)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["log.info('hidden')", "logging.getLogger('x').warning('shown')"], ["shown"]),
        (["log.setLevel('DEBUG')", "log.debug('shown')"], ["shown"]),
        (["logging.basicConfig(level='DEBUG')", "log.info('hidden')"], []),
        (["logging.getLogger('x').setLevel('INFO')", "logging.getLogger('x').info('shown')", "logging.getLogger('y').info('hidden')"], ["shown"]),
    ],
)  # fmt: skip
def test_levels_work_as_on_lambda(service, answer, lines, expected):
    """The root logger shows warnings and above; setLevel changes that, and basicConfig, which finds a handler there, does not."""
    assert re.findall("shown|hidden", logged(answer, service, *lines).log) == expected


def test_a_level_set_at_import_holds_for_every_invocation(service):
    """What the module sets once is there in each warm invocation, and not outside."""
    function = service(
        "import logging\nlogging.getLogger().setLevel('INFO')\ndef handler(event, context): logging.info('here')"
    )
    level = logging.getLogger().level
    with LocalTarget(function) as target:
        target.begin()
        assert ["here" in target.invoke(attempt()).log for _ in range(2)] == [True, True]
        assert logging.getLogger().level == level


@pytest.mark.parametrize("call", ["log.warning('%d', 'x')", "print('\\ud800')", "log.warning('\\ud800')"])
def test_what_lambdas_log_refuses_is_raised_in_the_function(service, answer, call):
    """A wrong format or a lone surrogate raises in the handler, as it does there and as it does not with Python's own handlers."""
    assert logged(answer, service, call).status == "raised"


def test_handlers_of_the_functions_own_are_kept(service):
    """A handler that a module attaches to stdout at import writes into the log of each invocation."""
    code = """\
        import logging, sys
        log = logging.getLogger("own")
        log.propagate = False
        log.addHandler(logging.StreamHandler(sys.stdout))
        def handler(event, context): log.warning("own %s", event)
        """
    with LocalTarget(service(code)) as target:
        target.begin()
        assert [target.invoke(attempt(n)).log for n in (1, 2)] == ["own 1\n", "own 2\n"]
    assert logging.getLogger("own").handlers == []


def test_the_streams_pass_for_real_ones(service, answer):
    """stdout has an encoding, can be reconfigured, flushed and closed, and takes text only."""
    reply = logged(
        answer, service,
        "sys.stdout.reconfigure(line_buffering=True); sys.stdout.flush(); sys.stdout.close(); sys.stderr.writelines(['a', 'b'])",
        "try: sys.stdout.write(b'x')",
        "except TypeError: print('c', end='')",
        "return [sys.stdout.encoding, sys.stdout.isatty(), sys.stdout.writable(), sys.stdout.buffer.writable()]",
    )  # fmt: skip
    assert reply.payload == '["utf-8", false, true, true]'
    assert reply.log == "abc"


def test_output_between_invocations_is_not_the_functions(service, capsys, caplog):
    """What others print and log while a function is inside, but not running, goes where it belongs."""
    with LocalTarget(service("def handler(event, context): print('mine')")) as target:
        target.begin()
        sys.stdout.write("before\n")
        logging.getLogger("others").warning("theirs")
        assert target.invoke(attempt()).log == "mine\n"
        sys.stdout.write("after\n")
    assert capsys.readouterr().out == "before\nafter\n"
    assert caplog.messages == ["theirs"]


def test_a_hundred_megabytes_are_bounded(service, answer):
    """However much is written, about a megabyte is kept: the beginning and the end."""
    reply = logged(answer, service, "print('begin')", "for _ in range(100): print('x' * 1_000_000)", "print('end')")
    assert len(reply.log) < 1_100_000
    assert reply.log.startswith("begin\n")
    assert reply.log.endswith("end\n")
    assert "characters left out" in reply.log


@given(parts=st.lists(st.text("abc", max_size=12)), half=st.integers(1, 10))
def test_bounded_text_keeps_both_ends(parts, half):
    """Whatever is written in whatever pieces, the text is whole when it fits, and else its exact first and last characters are kept."""
    text = BoundedText(half)
    for part in parts:
        text.write(part)
    whole = "".join(parts)
    if len(whole) <= 2 * half:
        assert str(text) == whole
    else:
        assert str(text) == f"{whole[:half]}\n… {len(whole) - 2 * half} characters left out …\n{whole[-half:]}"


def test_a_breakpoint_speaks_to_the_developer(service):
    """breakpoint() in a handler prompts on the real stdout, stops in the handler, and holds its timeout."""
    function = service(
        "def handler(event, context):\n    wanted = 6 * 7\n    breakpoint()\n    return wanted", timeout_s=0.2
    )
    code = (
        "import sys\nfrom pathlib import Path\nfrom replay.delivery.attempt import Attempt\n"
        "from replay.functions.function import Function\nfrom replay.targets.local import LocalTarget\n"
        "function = Function(name='f', handler='app.handler', code=Path(sys.argv[1]), timeout_s=0.2)\n"
        "with LocalTarget(function) as target:\n    target.begin()\n    reply = target.invoke(Attempt(payload='{}'))\n"
        "print('ANSWER', reply.payload, repr(reply.log))"
    )
    commands = "p wanted + 1\nimport time; time.sleep(0.3)\nc\n"
    done = subprocess.run(
        [sys.executable, "-c", code, str(function.code)],
        input=commands,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "(Pdb) 43\n" in done.stdout
    assert "ANSWER 42 ''" in done.stdout, done.stderr


def test_the_log_of_a_failure_is_kept(service, answer):
    """What was printed before the handler raised is there, and the streams are back."""
    out = sys.stdout
    reply = logged(answer, service, "print('almost')", "raise KeyError")
    assert (reply.status, reply.log) == ("raised", "almost\n")
    assert sys.stdout is out
