"""Verifies one fixture: its event and the event before redaction must fail alike; else it is found what matters."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic

from replay.errors import ReplayError
from replay.fixtures.fixture import Fixture, Redaction, Verification
from replay.outcomes.outcome import Outcome
from replay.payloads.envelopes.sqs_digests import renew_digests
from replay.payloads.exact_json import string_token, string_value
from replay.payloads.failures import Signature
from replay.redaction.redactor import Redactor
from replay.verifier.coarse_values import coarse_values
from replay.verifier.replaced_values import ReplacedValue, put_back, replaced_values, told_alike

MOST_REPLAYS = 100
"""Of one fixture; two are enough where redaction changed nothing that matters."""

BUDGET_SPENT = "there was no time left"
_DIGESTS = ("/md5OfBody", "/md5OfMessageAttributes")
Observe = Callable[[Fixture], Outcome]
Seen = tuple[str, Signature | None, tuple[str, ...]]


@dataclass(slots=True, kw_only=True)
class Budget:
    """How much may still be replayed, over all fixtures, and of each."""

    within_s: float
    replays_each: int = MOST_REPLAYS
    left: int = 0
    _began: float = field(default_factory=monotonic)

    def begin(self) -> None:
        """Begin with the next fixture."""
        self.left = self.replays_each

    @property
    def is_spent(self) -> bool:
        """Whether no further replay is allowed."""
        return self.left <= 0 or monotonic() - self._began > self.within_s


class _Spent(Exception):
    """No further replay is allowed."""


def verify(
    fixture: Fixture,
    before: str,
    observe: Observe,
    redactor: Redactor,
    budget: Budget,
    *,
    may_stay: Callable[[str], bool] = lambda _: False,
) -> Fixture:
    """
    Replay *fixture* as it is and with the event *before* redaction, and note whether they fail alike.

    Where they do not, the fewest values are looked for that must be as they were, by halving; each becomes as coarse as
    it can be, or is reported: never kept as it was, but where *may_stay* says so of its place. Only what is noted, and
    the coarse values, are in the result: nothing of the event before redaction is.

    Raises:
        InvalidJson: An event is no JSON.
    """
    budget.begin()
    try:
        return _Verifying(fixture, before, observe, redactor, budget, may_stay).fixture()
    except _Spent:
        return _noted(fixture, Verification(result="not_possible", why=BUDGET_SPENT))
    except ReplayError as error:
        return _noted(fixture, Verification(result="not_possible", why=redactor.plain(error.what)))


@dataclass(slots=True)
class _Verifying:
    before_redaction: Fixture
    event_before: str
    observe: Observe
    redactor: Redactor
    budget: Budget
    may_stay: Callable[[str], bool]
    values: tuple[ReplacedValue, ...] = ()
    wanted: Seen = ("", None, ())

    def fixture(self) -> Fixture:
        """Give the fixture with what was found."""
        fixture = self.before_redaction
        values = replaced_values(self.event_before, fixture.event_text)
        self.values = values or ()
        self.wanted = self._seen(self.event_before)
        if self.wanted[0] == "succeeded":
            return _noted(fixture, Verification(result="not_possible", why="it does not fail here"))
        if self._seen(fixture.event_text) == self.wanted:
            return _noted(fixture, Verification(result="same"))
        if values is None:
            why = "a rule drops what the failure depends on"
            return _noted(fixture, Verification(result="differs", why=why))
        leaves = [leaf for value in values for leaf in value.leaves()]
        return self._searched([leaf for leaf in leaves if not leaf.at.endswith(_DIGESTS)])

    def _searched(self, leaves: list[ReplacedValue]) -> Fixture:
        needed = _fewest(leaves, lambda kept: self._fails_with({leaf: leaf.before for leaf in kept}))
        chosen = {leaf: leaf.before for leaf in needed}
        coarse: list[ReplacedValue] = []
        raw: list[ReplacedValue] = []
        undecided: list[ReplacedValue] = []
        for leaf in needed:
            made = next((token for token in self._coarse(leaf) if self._fails_with({**chosen, leaf: token})), None)
            if made is not None:
                chosen[leaf] = made
                coarse.append(leaf)
            else:
                (raw if self.may_stay(leaf.at) else undecided).append(leaf)
        for leaf in undecided:
            del chosen[leaf]
        if undecided:
            why = "its failure depends on values that cannot be made coarse: see `replay show`"
            found = Verification(result="differs", matters=_places(undecided), why=why)
            return _noted(self.before_redaction, found)
        found = Verification(result="kept" if raw else "generalised", matters=_places([*coarse, *raw]))
        return self._changed(self._with(chosen), coarse, raw, found)

    def _coarse(self, leaf: ReplacedValue) -> list[str]:
        """Give the coarse tokens that redaction leaves as they are, so that `scan` and `redact` do too."""
        if not leaf.before.startswith('"'):
            return []
        fixture = self.before_redaction
        detectors = frozenset(each.detector for each in fixture.redactions if each.at == leaf.at)
        tokens = [string_token(value) for value in coarse_values(string_value(leaf.before), detectors)]
        return [token for token in tokens if token != leaf.before and self._is_stable(leaf, token)]

    def _is_stable(self, leaf: ReplacedValue, token: str) -> bool:
        text = self._with({leaf: token})
        return self.redactor.event(text).text == text

    def _with(self, tokens: dict[ReplacedValue, str]) -> str:
        """Give the redacted event with other tokens at some places, and the digests of what it then holds."""
        redacted = self.before_redaction.event_text
        return renew_digests(redacted, put_back(redacted, self.values, tokens))

    def _fails_with(self, tokens: dict[ReplacedValue, str]) -> bool:
        return self._seen(self._with(tokens)) == self.wanted

    def _seen(self, event_text: str) -> Seen:
        """Replay an event, and give how it fails in words that do not depend on what redaction replaced."""
        if self.budget.is_spent:
            raise _Spent
        self.budget.left -= 1
        outcome = self.observe(replace(self.before_redaction, event_text=event_text))
        seen = outcome.signature
        signature = seen and replace(seen, message=self.redactor.plain(told_alike(seen.message, self.values)))
        return outcome.status, signature, tuple(map(str, outcome.dispositions))

    def _changed(
        self, text: str, coarse: Sequence[ReplacedValue], raw: Sequence[ReplacedValue], found: Verification
    ) -> Fixture:
        places, gone = {leaf.at for leaf in coarse}, {leaf.at for leaf in raw}
        kept = [each for each in self.before_redaction.redactions if each.at not in places | gone]
        made = [Redaction(at=at, detector="generalised") for at in sorted(places)]
        return _noted(replace(self.before_redaction, event_text=text, redactions=(*kept, *made)), found)


def _noted(fixture: Fixture, found: Verification) -> Fixture:
    return replace(fixture, verification=found)


def _places(leaves: Sequence[ReplacedValue]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(leaf.at for leaf in leaves))


def _fewest(
    leaves: list[ReplacedValue], still_fails: Callable[[Collection[ReplacedValue]], bool]
) -> list[ReplacedValue]:
    """
    Give as few of *leaves* as must be as they were: half of them at a time go, then smaller and smaller parts.

    Source: A. Zeller and R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input".
    """
    left, size = list(leaves), max(1, len(leaves) // 2)
    while True:
        start, progress = 0, False
        while start < len(left):
            rest = left[:start] + left[start + size :]
            if rest and still_fails(rest):
                left, progress = rest, True
            else:
                start += size
        if size == 1 and not progress:
            return left
        size = max(1, size // 2)
