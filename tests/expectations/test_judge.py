"""The verdict table."""

import pytest

from replay.delivery.report import DeliveryReport
from replay.expectations.judge import judge
from replay.outcomes.fingerprint import signature
from replay.outcomes.outcome import Outcome
from replay.payloads.expectations import Expectation
from replay.payloads.failures import Failure, Frame

FRAME = Frame(module="app.py", function="handler", code="event['customer_id']")
KNOWN = Failure(error_type="KeyError", message="'customer_id'", frames=(FRAME,), observed="local")
OTHER = Failure(error_type="KeyError", message="'amount'", frames=(FRAME,), observed="local")
SIGNATURE = signature(KNOWN)
ACCEPTED = {"status": "partially_failed", "dispositions": ("processed", "dead_lettered")}


def outcome(failure: Failure | None = None, status: str = "", dispositions=None) -> Outcome:
    ends = dispositions or (["dead_lettered"] if failure else ["processed"])
    return Outcome(
        status=status or ("failed" if failure else "succeeded"),
        failure=failure,
        signature=signature(failure) if failure else None,
        dispositions=list(ends),
        report=DeliveryReport(),
    )


UNTOLD = outcome(Failure(error_type="", message="the API answered 502; which error it was, HTTP does not tell"))
REPRODUCES = outcome(KNOWN)
SUCCEEDS = outcome()
FAILS_OTHERWISE = outcome(OTHER)
AS_ACCEPTED = outcome(KNOWN, **ACCEPTED)
FILTERED = outcome(status="not_invoked", dispositions=["filtered"])
NEVER_RAN = outcome(status="not_invoked", dispositions=[])

TABLE = [
    ("reproduces", REPRODUCES, "reproduced", True, True),
    ("reproduces", AS_ACCEPTED, "reproduced", True, True),
    ("reproduces", SUCCEEDS, "fixed", False, False),
    ("reproduces", FILTERED, "fixed", False, False),
    ("reproduces", FAILS_OTHERWISE, "changed", False, False),
    ("reproduces", NEVER_RAN, "changed", False, False),
    ("reproduces", UNTOLD, "unobserved", False, False),
    ("succeeds", REPRODUCES, "reproduced", False, False),
    ("succeeds", SUCCEEDS, "fixed", True, False),
    ("succeeds", FILTERED, "changed", False, False),
    ("succeeds", FAILS_OTHERWISE, "changed", False, False),
    ("succeeds", UNTOLD, "changed", False, False),
    ("now", AS_ACCEPTED, "fixed", True, False),
    ("now", REPRODUCES, "reproduced", False, False),
    ("now", SUCCEEDS, "changed", False, False),
    ("now", FAILS_OTHERWISE, "changed", False, False),
]


def expectation(wants: str) -> Expectation:
    return Expectation(wants=wants, signature=SIGNATURE, **(ACCEPTED if wants == "now" else {}))


@pytest.mark.parametrize(("wants", "happened", "verdict", "as_expected", "known_bug"), TABLE)
@pytest.mark.parametrize("repeat", [1, 3])
def test_the_table(wants, happened, verdict, as_expected, known_bug, repeat) -> None:
    """Each expectation meets each outcome, once or several times, with the verdict and colour of the table."""
    judgement = judge(expectation(wants), [happened] * repeat)
    assert (judgement.verdict, judgement.as_expected, judgement.known_bug) == (verdict, as_expected, known_bug)


@pytest.mark.parametrize(("wants", "happened", "verdict", "as_expected", "known_bug"), TABLE)
def test_red_makes_a_reproduction_red_and_changes_nothing_else(
    wants, happened, verdict, as_expected, known_bug
) -> None:
    """With `red` no reproduction is as expected; every other colour stays."""
    judgement = judge(expectation(wants), [happened], red=True)
    assert judgement.verdict == verdict
    assert judgement.as_expected is (as_expected and not known_bug)
    assert judgement.known_bug is False


@pytest.mark.parametrize("wants", ["reproduces", "succeeds", "now", "fails"])
@pytest.mark.parametrize("other", [SUCCEEDS, FAILS_OTHERWISE, AS_ACCEPTED])
def test_outcomes_that_disagree_are_flaky(wants, other) -> None:
    """Another status, signature or disposition in one of several replays is flaky, and never as expected."""
    judgement = judge(expectation(wants), [REPRODUCES, other, REPRODUCES])
    assert (judgement.verdict, judgement.as_expected, judgement.known_bug) == ("flaky", False, False)
    assert "3 replays" in judgement.reason


def test_disagreement_is_counted() -> None:
    """The reason of a flaky fixture says how often what happened."""
    assert judge(expectation("reproduces"), [REPRODUCES, SUCCEEDS, REPRODUCES]).reason == (
        "3 replays disagree: 2 x KeyError: 'customer_id', 1 x succeeded"
    )


@pytest.mark.parametrize("happened", [REPRODUCES, FAILS_OTHERWISE, outcome(KNOWN, status="timed_out")])
def test_a_fixture_that_only_fails_takes_any_failure(happened) -> None:
    """As long as no signature is pinned, every failure is the one."""
    judgement = judge(Expectation(wants="fails"), [happened])
    assert (judgement.verdict, judgement.as_expected, judgement.known_bug) == ("reproduced", True, True)


def test_a_fixture_that_never_failed_here_says_so() -> None:
    """Success of a fixture whose failure nobody has seen is not passed off as a fix."""
    judgement = judge(Expectation(wants="fails"), [SUCCEEDS], fixture="1a2b3c4d")
    assert (judgement.verdict, judgement.as_expected) == ("fixed", False)
    assert judgement.reason == "it did not fail here: run `replay expect 1a2b3c4d succeeds`"


@pytest.mark.parametrize(
    ("wants", "happened", "advice"),
    [
        ("reproduces", SUCCEEDS, "now fixed: run `replay expect 1a2b3c4d succeeds`"),
        ("reproduces", FILTERED, "`replay expect 1a2b3c4d now`"),
        ("reproduces", FAILS_OTHERWISE, "it fails otherwise: KeyError: 'amount' instead of KeyError: 'customer_id'"),
        ("succeeds", REPRODUCES, "the bug is back: KeyError: 'customer_id'"),
        ("succeeds", FAILS_OTHERWISE, "KeyError: 'amount' instead of success"),
        ("now", SUCCEEDS, "accepted as partially_failed [processed, dead_lettered], and is succeeded [processed]"),
    ],
)
def test_reasons_say_what_and_what_to_do(wants, happened, advice) -> None:
    """A reason is a sentence that a person can act on."""
    assert advice in judge(expectation(wants), [happened], fixture="1a2b3c4d").reason


def test_the_same_error_from_elsewhere_is_changed_and_says_so() -> None:
    """Equal words from another line are not the known bug, and the reason does not repeat the words twice."""
    moved = Failure(
        error_type="KeyError", message="'customer_id'", frames=(Frame(module="app.py", function="other", code="x"),)
    )
    judgement = judge(expectation("reproduces"), [outcome(moved)])
    assert judgement.verdict == "changed"
    assert judgement.reason.endswith("as before, but not from the same code")
    assert (judgement.was, judgement.seen) == ("app.py handler  event['customer_id']", "app.py other  x")


@pytest.mark.parametrize(
    "known",
    [
        Failure(error_type="KeyError", message="'customer_id'", observed="source"),
        Failure(error_type="", message="'customer_id'", observed="source"),
    ],
)
def test_what_the_source_did_not_know_is_not_held_against_an_outcome(known) -> None:
    """A message without type and stack, as a function's dead-letter queue gives it, is enough to recognise the bug."""
    wanted = Expectation(wants="reproduces", signature=signature(known))
    composed = Frame(module="app.py", function="f", code='raise KeyError("customer_id")')
    assert judge(wanted, [REPRODUCES]).verdict == "reproduced"
    assert judge(
        wanted, [outcome(Failure(error_type="KeyError", message="'customer_id'", frames=(composed,)))]
    ).as_expected
    assert judge(wanted, [FAILS_OTHERWISE]).verdict == "changed"


def test_a_composed_message_without_a_stack_is_recognised() -> None:
    """What the raising line tells of a message here is not missed where production gave no stack."""
    raising = Frame(module="app.py", function="f", code='raise OrderError(f"no stock of {sku}")')
    known = signature(Failure(error_type="OrderError", message="no stock of shoes", observed="source"))
    here = Failure(error_type="OrderError", message="no stock of shoes", frames=(raising,), observed="local")
    assert signature(here).message == "no stock of <value>"
    assert judge(Expectation(wants="reproduces", signature=known), [outcome(here)]).verdict == "reproduced"


def test_an_expectation_without_signature_takes_any_failure() -> None:
    """A hand-written `reproduces` needs no signature."""
    assert judge(Expectation(wants="reproduces"), [FAILS_OTHERWISE]).verdict == "reproduced"


def frames(*codes: str) -> tuple[Frame, ...]:
    return tuple(Frame(module="app.py", function=f"f{number}", code=code) for number, code in enumerate(codes))


@pytest.mark.parametrize(
    ("known", "seen", "was", "now"),
    [
        (frames("a()", 'o["id"]'), frames("a()", "o['id']"), """app.py f1  o["id"]""", "app.py f1  o['id']"),
        (frames("a()", "b()"), frames("z()", "b()"), "app.py f0  a()", "app.py f0  z()"),
        (frames("a()", "b()"), frames("b()"), "app.py f1  b()", "app.py f0  b()"),
        (
            frames("a()"),
            (*frames("a()"), Frame(module="x.py", function="g", code="b()")),
            "app.py f0  a()",
            "x.py g  b()",
        ),
    ],
)
def test_the_first_line_that_differs_is_named(known, seen, was, now) -> None:
    """Of two failures with the same words the innermost lines that differ are told, whether edited, renamed or moved."""
    first, second = (Failure(error_type="KeyError", message="'id'", frames=each) for each in (known, seen))
    judgement = judge(Expectation(wants="reproduces", signature=signature(first)), [outcome(second)])
    assert (judgement.verdict, judgement.was, judgement.seen) == ("changed", was, now)


def test_lines_are_not_compared_where_the_words_differ() -> None:
    """Another error needs no explanation by lines of code."""
    judgement = judge(expectation("reproduces"), [FAILS_OTHERWISE])
    assert (judgement.was, judgement.seen) == ("", "")


@pytest.mark.parametrize(
    ("wants", "happened", "commands"),
    [
        ("reproduces", FAILS_OTHERWISE, ["replay expect 1a2b3c4d reproduces", "replay expect 1a2b3c4d now"]),
        ("reproduces", NEVER_RAN, ["replay expect 1a2b3c4d now"]),
        ("reproduces", SUCCEEDS, ["replay expect 1a2b3c4d succeeds"]),
        ("reproduces", FILTERED, ["replay expect 1a2b3c4d now"]),
        ("reproduces", REPRODUCES, []),
        ("succeeds", REPRODUCES, ["replay expect 1a2b3c4d reproduces"]),
        ("succeeds", FILTERED, ["replay expect 1a2b3c4d now"]),
        ("now", SUCCEEDS, ["replay expect 1a2b3c4d now"]),
        ("now", AS_ACCEPTED, []),
    ],
)
def test_what_is_not_as_expected_can_be_accepted(wants, happened, commands) -> None:
    """A judgement that is red says by which commands it becomes what is expected; a green one has none."""
    judgement = judge(expectation(wants), [happened], fixture="1a2b3c4d")
    assert [command for command, _ in judgement.ways] == commands


def test_another_error_than_was_accepted_is_noted() -> None:
    """`now` judges status and dispositions; that the error is another one is said, and changes no colour."""
    accepted = Expectation(wants="now", accepted_failure=signature(OTHER), **ACCEPTED)
    judgement = judge(accepted, [AS_ACCEPTED], fixture="1a2b3c4d")
    assert (judgement.verdict, judgement.as_expected) == ("fixed", True)
    assert judgement.note == (
        "1a2b3c4d fails with KeyError: 'customer_id', and was accepted with KeyError: 'amount': "
        "`replay expect 1a2b3c4d now` accepts that too"
    )
    same = Expectation(wants="now", accepted_failure=SIGNATURE, **ACCEPTED)
    assert judge(same, [AS_ACCEPTED]).note == ""


@pytest.mark.parametrize(("wants", "red"), [("reproduces", True), ("fails", True), ("succeeds", False)])
def test_what_is_red_only_because_it_was_asked_for_says_so(wants, red) -> None:
    """A known bug that red was asked for is told from one that is back."""
    assert judge(expectation(wants), [REPRODUCES], red=True).red is red
    assert judge(expectation(wants), [REPRODUCES]).red is False
