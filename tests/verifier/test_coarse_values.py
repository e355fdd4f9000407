"""What may stand in for a value that matters: coarse enough to be nobody's."""

import pytest

from replay.verifier.coarse_values import coarse_values


@pytest.mark.parametrize(
    ("detector", "value"),
    [
        ("phone", "+49 151 23456789"),
        ("card-number", "4111 1111 1111 1111"),
        ("ip-address", "93.184.216.34"),
        ("iban", "DE89 3704 0044 0532 0130 00"),
        ("national-id:us-ssn", "856-45-6789"),
    ],
)
def test_numbers_of_somebody_have_only_stand_ins(detector: str, value: str) -> None:
    """No mask of such a number is given: it might be somebody's, and its stand-in is known to be nobody's."""
    assert list(coarse_values(value, frozenset({detector, "secret-key"}))) == []


def test_what_tells_the_least_comes_first() -> None:
    """A mask, a month, a mask through which the letters beyond ASCII show; of an address always an invalid one."""
    assert list(coarse_values("1985-04-12", frozenset({"secret-key"}))) == ["0000-00-00", "1985-04-01"]
    assert list(coarse_values("Straße 7", frozenset({"postal-address"}))) == ["Xxxxxx 0", "Xxxxßx 0"]
    assert list(coarse_values("bob@shop.co.uk", frozenset({"email"}))) == ["xxx@xxxx.xx.invalid"]
