"""Every guard rail, each by a test that fails without it."""

import socket
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.errors import TargetRefused
from replay.targets.guard_rails import deployed
from replay.targets.guard_rails.clients import TargetClients
from replay.targets.guard_rails.destination import Destination, check_destination
from replay.targets.guard_rails.identity import tags_of
from replay.targets.guard_rails.options import PRODUCTION_PATTERNS, DeployedOptions
from replay.targets.guard_rails.plan import Plan, plan_document, plan_lines
from replay.targets.guard_rails.production import production_signs
from replay.targets.guard_rails.this_machine import is_on_this_machine

ACCOUNT = "111122223333"
OPTIONS = DeployedOptions(account_id=ACCOUNT)
STAGING = Destination(
    target="staging",
    arn=f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:orders",
    region="eu-west-1",
    caller_account_id=ACCOUNT,
    caller_arn="arn:aws:iam::111122223333:user/grace",
    account_aliases=("shop-staging",),
    tags={"stage": "staging"},
)


def refusal(destination: Destination, options: DeployedOptions = OPTIONS) -> str:
    with pytest.raises(TargetRefused) as caught:
        check_destination(destination, options)
    assert caught.value.hint
    return str(caught.value)


def test_all_that_is_right_goes_through():
    """A target whose account, region, tags and names are as they should be is not refused."""
    check_destination(STAGING, OPTIONS)


def test_an_account_that_is_not_named_is_refused():
    """Beyond this machine the configuration must say the account, and the message says where to write it."""
    told = refusal(STAGING, DeployedOptions())
    assert "account_id" in told
    assert "[tool.replay.targets.staging]" in told


def test_credentials_of_another_account_are_refused():
    """Who is signed in to another account is told so, before anything is sent."""
    assert "credentials are those of account 999988887777" in refusal(
        replace(STAGING, caller_account_id="999988887777")
    )


def test_an_arn_of_another_account_is_refused():
    """A resource that another account shares is not the one that is meant."""
    assert "in account 999988887777" in refusal(replace(STAGING, arn=STAGING.arn.replace(ACCOUNT, "999988887777")))


def test_an_arn_of_another_region_is_refused():
    """The same name in another region is another resource."""
    assert "us-east-1" in refusal(replace(STAGING, region="us-east-1"))


def test_tags_that_may_not_be_read_are_a_refusal():
    """Without its tags nobody knows whether it is production."""
    assert "tags may not be read" in refusal(replace(STAGING, tags=None))


def test_aliases_that_may_not_be_read_are_none():
    """The account's alias is often not readable for developers: that alone refuses nothing."""
    check_destination(replace(STAGING, account_aliases=None), OPTIONS)


@pytest.mark.parametrize(
    "destination",
    [
        replace(STAGING, arn=STAGING.arn.replace("orders", "orders-prod")),
        replace(STAGING, arn=STAGING.arn + ":live"),
        replace(STAGING, tags={"Environment": "Production"}),
        replace(STAGING, tags={"production": "true"}),
        replace(STAGING, account_aliases=("shop-prod",)),
        replace(STAGING, target="lambda:OrdersProd"),
    ],
    ids=["name", "alias of the function", "tag", "tag's key", "account alias", "target"],
)
def test_what_looks_like_production_is_refused(destination):
    """A name, a tag, or the account's alias is enough; only `production = true` lets it through."""
    assert "looks like production" in refusal(destination)
    assert "production = true" in refusal(destination)
    check_destination(destination, replace(OPTIONS, production=True))


def test_a_profile_may_look_like_production_too():
    """The profile's name counts like the others."""
    assert "profile 'shop-prod'" in refusal(STAGING, replace(OPTIONS, profile="shop-prod"))


def test_production_is_no_way_around_the_account():
    """`production = true` lets production through, and never another account."""
    options = replace(OPTIONS, production=True)
    assert "credentials" in refusal(replace(STAGING, caller_account_id="999988887777"), options)


def test_what_is_on_this_machine_needs_nothing():
    """An emulator on loopback has one account, no tags, and nobody to hurt."""
    check_destination(replace(STAGING, on_this_machine=True, tags=None, arn="arn:prod"), DeployedOptions())


@pytest.mark.parametrize(
    "name",
    [
        "prod",
        "PROD",
        "orders-prod-eu",
        "orders_prod",
        "OrdersProd",
        "prod2",
        "a.live.b",
        "function:orders-pre:prod",
        "non/prod",
    ],
)
def test_words_of_production(name):
    """However people write it, the word is found."""
    assert production_signs({"name": name}, {}, patterns=PRODUCTION_PATTERNS)


@pytest.mark.parametrize(
    "name", ["product-catalog", "reproduce", "non-prod", "nonprod", "preprod", "pre-prod", "delivery", "alive", "olive"]
)
def test_words_that_only_look_like_it(name):
    """Words that hold the letters, and those that say that it is none, are not production."""
    assert not production_signs({"name": name}, {}, patterns=PRODUCTION_PATTERNS)


def test_a_tag_that_says_no_is_none():
    """`production: false` is no production."""
    assert not production_signs({}, {"production": "false"}, patterns=PRODUCTION_PATTERNS)


def test_patterns_are_the_users():
    """A team says itself what its production is called; globs and whole names work."""
    assert production_signs({"name": "shop-blue-1"}, {}, patterns=("shop-blue-*",))
    assert production_signs({"name": "x-kunden-y"}, {}, patterns=("kund*",))
    assert not production_signs({"name": "orders-prod"}, {}, patterns=("kund*",))


@given(st.text(max_size=300), st.text(max_size=50))
def test_names_are_hostile(name, value):
    """Whatever a tag or a name holds, it is looked at and nothing fails."""
    production_signs({"name": name}, {name: value}, patterns=PRODUCTION_PATTERNS)


@pytest.mark.parametrize("host", ["127.0.0.1:4566", "127.8.8.8", "localhost:1", "[::1]:4566", "[::ffff:127.0.0.1]:1"])
def test_loopback_is_this_machine(host):
    """Any loopback address is this machine, also one that a name stands for."""
    assert is_on_this_machine(f"http://{host}")


@pytest.mark.parametrize("host", ["10.0.0.1", "0.0.0.0:4566", "[::ffff:10.0.0.1]", "192.168.0.2", ""])
def test_the_rest_is_beyond_it(host):
    """A neighbour's address, and one that says nothing, are beyond this machine."""
    assert not is_on_this_machine(f"http://{host}")


def test_a_name_is_what_it_resolves_to(monkeypatch):
    """A name that leads to loopback is this machine; one of whose addresses does not, or that leads nowhere, is not."""
    answers = {"emulator.test": ["127.0.0.1", "::1"], "half.test": ["127.0.0.1", "10.0.0.9"]}

    def getaddrinfo(host, *_, **__):
        if host not in answers:
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in answers[host]]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert is_on_this_machine("http://emulator.test:4566")
    assert not is_on_this_machine("http://half.test")
    assert not is_on_this_machine("http://nowhere.test")


def test_a_plan_says_what_is_about_to_happen():
    """Events by failure, ARN, account, caller, rate, time, who else sees them, and whose values are stand-ins."""
    plan = Plan(
        events=100,
        destinations=(replace(STAGING, seen_by=("function billing",)),),
        failures={"KeyError": 90, "ValueError": 10},
        sent_again=True,
        rate_per_s=5,
        concurrency=2,
        pseudonyms=("orders/aaaaaaaa",),
    )
    text = "\n".join(plan_lines(plan))
    for fact in ("100 events", "90  KeyError", STAGING.arn, ACCOUNT, "shop-staging", "user/grace", "5/s", "19 s",
                 "function billing", "orders/aaaaaaaa", "sent again"):  # fmt: skip
        assert fact in text
    assert plan.must_be_confirmed
    assert plan_document(plan)["least_duration_s"] == 19.8
    assert not replace(plan, destinations=(replace(STAGING, on_this_machine=True),)).must_be_confirmed


def test_without_an_account_nobody_is_asked(monkeypatch):
    """Whoever has not said the account is refused before any call tells AWS who is there."""
    monkeypatch.setattr(deployed, "read_caller", lambda *_, **__: pytest.fail("STS was asked"))
    known = {"arn": STAGING.arn, "region": "eu-west-1", "endpoint_url": "https://lambda.eu-west-1.amazonaws.com"}
    monkeypatch.setattr(deployed, "is_on_this_machine", lambda _: False)
    with pytest.raises(TargetRefused, match="account"):
        deployed.described(DeployedOptions(), target="staging", **known)


def test_an_emulator_vouches_for_nobody_on_aws(monkeypatch):
    """With AWS_ENDPOINT_URL set for an emulator, that would say whose account a target on AWS is: it is refused."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    known = {"arn": STAGING.arn, "region": "eu-west-1", "endpoint_url": "http://10.0.0.7:4566"}
    with pytest.raises(TargetRefused, match=r"is on 10\.0\.0\.7, and STS would be asked on this machine") as caught:
        deployed.described(OPTIONS, target="staging", **known)
    assert "AWS_ENDPOINT_URL_STS" in str(caught.value)


def test_who_sends_makes_one_attempt():
    """boto3 itself sends nothing twice: an answer that was lost proves nothing, and the ledger has to know."""
    clients = TargetClients(DeployedOptions(region="eu-west-1"))
    assert clients.sending("sns").meta.config.retries["total_max_attempts"] == 1
    assert clients("sns").meta.config.retries["total_max_attempts"] > 1


def test_tags_come_in_two_forms():
    """AWS gives tags as an object here and as a list there."""
    assert tags_of({"a": "b"}) == tags_of([{"Key": "a", "Value": "b"}]) == {"a": "b"}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "as fast as it answers"),
        ({"concurrency": 4}, "as fast as it answers, 4 at once"),
        ({"rate_per_s": 5}, "at most 5/s: sending takes at least 19 s"),
        ({"rate_per_s": 5, "events": 1}, "at most 5/s"),
        ({"rate_per_s": 5, "sent_again": True},
         "at most 5/s: sending takes at least 19 s, longer where one that fails is sent again"),
        ({"rate_per_s": 5, "ramp_up_s": 30}, "at most 5/s, growing to that in 30 s: sending takes at least 34 s"),
        ({"rate_per_s": 5, "ramp_up_s": 90}, "at most 5/s, growing to that in 1 min 30 s: sending takes at least 59 s"),
        ({"rate_per_s": 100 / 3600}, "at most 1.66667/m: sending takes at least 59 min 24 s"),
        ({"rate_per_s": 20 / 3600, "events": 101}, "at most 20/h: sending takes at least 5 h"),
        ({"rate_per_s": 20, "speed": 10.0, "spacing_s": 7_500.9},
         "at 10 x the original spacing, at most 20/s: sending takes at least 2 h 5 min"),
        ({"speed": 10.0, "spacing_s": 7.9, "undated": 2},
         "at 10 x the original spacing (2 events without a time at the end): sending takes at least 7 s"),
        ({"travels": ("queue a",), "observed_at": ("its log",)}, "one after the other, each observed to its end"),
        ({"travels": ("queue a",)}, "one after the other"),
        ({"travels": ("queue a",), "observed_at": ("its log",), "rate_per_s": 5},
         "at most 5/s, one after the other, each observed to its end: sending takes at least 19 s"),
        ({"travels": ("queue a",), "concurrency": 20, "most_together": 10, "rate_per_s": 5},
         "at most 5/s, as fast as their ends are seen, 20 at once: sending takes at least 18 s"),
    ],
)  # fmt: skip
def test_the_pace_of_a_plan_is_true(changes, line):
    """What bounds the run stands there, and the time is what sending surely takes: from the first to the last call."""
    plan = Plan(**{"events": 100, "destinations": (replace(STAGING, on_this_machine=True),), **changes})
    assert line in plan_lines(plan)
