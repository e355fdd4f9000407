"""Which call meets which fault."""

from hypothesis import given
from hypothesis import strategies as st

from replay.payloads.aws_calls import Fault
from replay.payloads.fault_plan import FaultPlan, unmet_faults

NAMES = ("dynamodb:PutItem", "dynamodb:GetItem", "s3:GetObject", "sqs:SendMessage")
GLOBS = (*NAMES, "dynamodb:*", "DynamoDB:putitem", "*:Get*", "*:*", "ses:*")
faults = st.builds(
    Fault,
    call=st.sampled_from(GLOBS),
    error=st.just("ThrottlingException"),
    skip=st.integers(0, 3),
    times=st.none() | st.integers(1, 3),
)
plans = st.lists(faults, max_size=4)
calls = st.lists(st.sampled_from(NAMES), max_size=20)


def met(fault_list, names):
    plan = FaultPlan(fault_list)
    return [plan.meet(name) for name in names]


@given(fault=faults, names=calls)
def test_one_fault_is_met_by_exactly_the_calls_it_names(fault, names):
    """Of the calls that it is for, the first `skip` pass, the next `times` meet it, and the rest pass."""
    alone = Fault(call=fault.call, error=fault.error)
    its = [position for position, hit in enumerate(met([alone], names)) if hit]
    stop = None if fault.times is None else fault.skip + fault.times
    assert [position for position, hit in enumerate(met([fault], names)) if hit] == its[fault.skip : stop]


@given(plan=plans, names=calls)
def test_a_call_meets_at_most_one_fault_and_one_that_is_for_it(plan, names):
    """Whatever is planned, what a call meets is one of the planned faults, and would be met by it alone."""
    for name, fault in zip(names, met(plan, names), strict=True):
        assert fault is None or (fault in plan and met([Fault(call=fault.call, error="x")], [name]) != [None])


@given(plan=plans, names=calls)
def test_no_fault_is_met_more_often_than_it_may_be(plan, names):
    """`times` holds for each planned fault, also where equal ones are planned."""
    hits = [id(fault) for fault in met(plan, names) if fault]
    for fault in plan:
        equal = plan.count(fault)
        assert fault.times is None or hits.count(id(fault)) <= fault.times * equal


@given(plan=plans, names=calls)
def test_faults_that_nobody_met_are_told(plan, names):
    """There is one sentence for each planned fault that no call has met, and none for the others."""
    told = unmet_faults(plan, names)
    distinct = [
        Fault(call=f.call, error=f.error, message=str(n), skip=f.skip, times=f.times) for n, f in enumerate(plan)
    ]
    assert len(told) == len(set(distinct) - set(met(distinct, names)))


@given(names=calls)
def test_the_first_fault_for_a_call_wins(names):
    """A fault before another takes the calls that both are for, until it is used up."""
    first, second = Fault(call="dynamodb:*", error="A", times=1), Fault(call="*:*", error="B")
    hits = met([first, second], names)
    tables = [hit for name, hit in zip(names, hits, strict=True) if name.startswith("dynamodb:")]
    assert tables == [first, *[second] * (len(tables) - 1)][: len(tables)]
    assert all(hit is second for name, hit in zip(names, hits, strict=True) if not name.startswith("dynamodb:"))


def test_an_unmet_fault_says_why():
    """Not called at all, or not often enough."""
    late = Fault(call="s3:GetObject", error="SlowDown", skip=2)
    never = Fault(call="ses:*", error="Throttling")
    assert unmet_faults([late, never], ["s3:GetObject"]) == [
        "fault s3:GetObject was not met: 1 call, and it skips 2",
        "fault ses:* was not met: the function did not call it",
    ]
