"""
Redaction of a labelled corpus: recall of each detector, false positives, time; detect-secrets and Presidio beside it.

Bounds: 99.5% of structured secrets and card numbers, 98% of e-mail addresses and phone numbers, at most 1% of innocent
values changed; 1 MB of one character, or a quarter of that of any unit, takes no detector more than eight times as long
as its fourth.

The peers are installed in environments of their own, where that can be done, and see the very same events.
"""

import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random

from benchmarks.bounds import print_bounds
from replay.redaction.detectors import DETECTORS, spans
from replay.redaction.high_entropy import high_entropy_strings
from replay.redaction.redactor import Redactor
from replay.redaction.settings import RedactionSettings
from replay.redaction.spans import Detector
from tests.redaction.labelled_corpus import OTHERS, SHAPES, STRUCTURED, Labelled, innocent, named_secret, readable

EACH = 600
BY_NAME = "secret by its name"
INNOCENTS = 6_000
LARGE = 1_000_000
CHARACTERS = (
    "".join(chr(code) for code in range(0x20, 0x7F) if not chr(code).isalnum())
    + "azAEZ017\n\t\x1b\u200b\xa0é漢\uff20\uff11"
)
"""All punctuation, and of letters, digits, spaces and what nobody sees those that any detector has a rule for."""
UNITS = (
    "a.", "@a", "a@", "a@a.", "a@a.co ", "a-", "a_", "a ", "1 ", "1-", "1.", "8.8.4.", "::", "a:", "f:1:", "+1",
    "+1 ", "(1) ", "aA1/", "aA1", "4111 ", "4111-", "4539578763621486", "DE89", "DE89 ", "de89-", "eyJ", "eyJ.",
    "eyJhbGciOiJ.", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "password=", "password='", "password: [", "token:",
    "secret={", "--token ", "--token '", "-u a:", "bearer ", "bearer+", "basic ", "cookie: a=b;", "cookie: a=,",
    "cookie=a, b=c,", "://", "://a:", "://a:b@", "jdbc:oracle:a:a/", "AKIA", "ghp_", "sk-", "IQoJb3JpZ2lu", "AQEB",
    "tel ", "tel. 1 ", "name=", "name='", '"name":"', "<name>", "<a:password>", "<password>a", "<password><![CDATA[",
    "('token','", '"name":"token","value":', 'form-data; name="token"\n\n', "form-data; name=a\n", "identified by '",
    "response=", "%40", "%", "\\u0040", "&amp;", "a=%20&", "a=+&", "%7B%22", '{"a":', '{"a', '["a",', '[["a","b"],',
    '{"name":"a","value":', "a=\r\n", "пароль:", "手机",
    "password is ", "password for a ", "password for ", "password ", "password is 'a1", "otp ", "otp: ", "mysql ",
    "mysql -", "mongo -p", "redis-cli ",
)  # fmt: skip
"""What detectors begin to read at, again and again."""
_NOISE_S = 0.05
MOST_GROWTH = 8.0
"""Four where time is linear, sixteen where it is quadratic."""
_PEERS = {
    "detect-secrets": (
        ["detect-secrets==1.5.0"],
        """
import json, sys
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import default_settings
with default_settings():
    for line in sys.stdin:
        print(int(any(True for _ in scan_line(json.loads(line)))))
""",
    ),
    "Presidio's patterns": (
        ["presidio-analyzer>=2.2"],
        """
import json, sys
from presidio_analyzer import predefined_recognizers as known
names = ["CreditCardRecognizer", "EmailRecognizer", "IbanRecognizer", "IpRecognizer", "PhoneRecognizer"]
every = [getattr(known, name)() for name in names]
for line in sys.stdin:
    text = json.loads(line)
    print(int(any(r.score >= 0.4 for each in every for r in each.analyze(text, each.supported_entities, None) or [])))
""",
    ),
}


def corpus() -> Iterator[tuple[str, Labelled, str]]:
    """Draw what stands in the corpus: its kind, its label, the event that it stands in."""
    for kind, make in {**STRUCTURED, **OTHERS}.items():
        random = Random(kind)
        for number in range(EACH):
            labelled = make(random)
            shape = list(SHAPES.values())[number % len(SHAPES)]
            yield kind, labelled, shape(labelled.text, random)
    random = Random(BY_NAME)
    for number in range(EACH):
        yield BY_NAME, *named_secret(number, random)


def recalls(events: list[tuple[str, Labelled, str]], redactor: Redactor) -> dict[str, float]:
    """Give the share of each kind that is gone from all that can be read of the redacted event."""
    found = dict.fromkeys(map(str, [*STRUCTURED, *OTHERS, BY_NAME]), 0)
    for kind, labelled, event in events:
        found[kind] += labelled.secret not in readable(redactor.event(event).text)
    return {kind: 100 * count / EACH for kind, count in found.items()}


def innocents() -> list[str]:
    """Draw innocent payloads of one value each, beside the shapes that secrets have."""
    random = Random("innocent")
    names = ["id", "value", "text", "orderId", "ref", "at", "source", "item"]
    plain = [json.dumps({random.choice(names): innocent(random)}) for _ in range(INNOCENTS // 2)]
    shapes = list(SHAPES.values())
    return plain + [shapes[number % len(shapes)](innocent(random), random) for number in range(INNOCENTS // 2)]


def changed(payloads: list[str], redactor: Redactor) -> float:
    """Give the share of payloads in which anything is changed."""
    return 100 * sum(redactor.event(payload).text != payload for payload in payloads) / len(payloads)


def slowest_growth(units: Sequence[str], size: int = LARGE) -> tuple[float, str, float]:
    """
    Give how many times as long a detector takes for *size* characters of one unit as for a quarter of them, at worst,
    where, and in seconds of the processor. What takes next to no time has not grown.
    """
    worst = (0.0, "", 0.0)
    everything: dict[str, Callable[[str], object]] = {
        each.__name__: partial(_run, each) for each in (*DETECTORS, high_entropy_strings)
    }
    everything["all, with escapes"] = spans
    for name, find in everything.items():
        for unit in units:
            growth, large = _growth(find, unit, size)
            if growth > MOST_GROWTH:  # perhaps another process took the caches meanwhile
                growth, large = min(_growth(find, unit, size) for _ in range(3))
            worst = max(worst, (growth, f"{name} on {unit!r}", large))
    return worst


def _growth(find: Callable[[str], object], unit: str, size: int) -> tuple[float, float]:
    small, large = (_seconds(find, unit * (count // len(unit))) for count in (size // 4, size))
    return (large / max(small, _NOISE_S / 4) if large > _NOISE_S else 0.0), large


def _run(detector: Detector, text: str) -> None:
    for _ in detector(text):
        pass


def _seconds(find: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    find(text)
    return time.process_time() - began


def peer(requirements: list[str], script: str, texts: list[str]) -> list[bool] | None:
    """Ask a peer about each text, in an environment of its own; None where that cannot be made."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder, "bin", "python")
        installed = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements],
            capture_output=True, check=False,
        )  # fmt: skip
        if installed.returncode:
            return None
        lines = "".join(f"{json.dumps(text)}\n" for text in texts)
        done = subprocess.run([python, "-c", script], input=lines, capture_output=True, text=True, check=False)
        return [line == "1" for line in done.stdout.split()] if done.returncode == 0 else None


def compare(events: list[tuple[str, Labelled, str]], payloads: list[str], ours: dict[str, float], false: float) -> None:
    """Print what the peers find of the same corpus, in per cent, beside ours."""
    columns = {"ours": {**ours, "innocent": false}}
    texts = [event for _, _, event in events]
    for name, (requirements, script) in _PEERS.items():
        answers = peer(requirements, script, texts + payloads)
        if answers is None or len(answers) != len(texts) + len(payloads):
            print(f"not compared with {name}: it could not be installed or run here")
            continue
        counts = dict.fromkeys(ours, 0)
        for (kind, _, _), answer in zip(events, answers, strict=False):
            counts[kind] += answer
        columns[name] = {kind: 100 * count / EACH for kind, count in counts.items()}
        columns[name]["innocent"] = 100 * sum(answers[len(texts) :]) / len(payloads)
    print(f"{'% of events found':24}" + "".join(f"{name:>22}" for name in columns))
    for kind in (*ours, "innocent"):
        print(f"{kind:24}" + "".join(f"{column[kind]:22.1f}" for column in columns.values()))


def main() -> int:
    """Measure, compare, and give 1 where a bound is missed."""
    redactor = Redactor(RedactionSettings(key=b"benchmark"))
    events, payloads = list(corpus()), innocents()
    began = time.process_time()
    ours, false = recalls(events, redactor), changed(payloads, redactor)
    elapsed = time.process_time() - began
    growth, where, seconds = max(slowest_growth(CHARACTERS), slowest_growth(UNITS, LARGE // 4))
    if "--alone" not in sys.argv:
        compare(events, payloads, ours, false)
    print(
        f"{len(events) + len(payloads):,} events in {elapsed:.1f} s; slowest growth: {where}, 1 MB in {seconds:.2f} s"
    )
    structured = sum(ours[kind] for kind in STRUCTURED) / len(STRUCTURED)
    return print_bounds(
        [
            ("% of structured secrets found", structured, ">=", 99.5),
            *((f"% found: {kind}", ours[kind], ">=", 99.5) for kind in STRUCTURED),
            *((f"% found: {kind}", ours[kind], ">=", 98.0) for kind in [*OTHERS, BY_NAME]),
            ("% of innocent events changed", false, "<=", 1.0),
            ("times as long for 1 MB of one character as for a quarter", growth, "<=", MOST_GROWTH),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
