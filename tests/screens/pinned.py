"""What differs from run to run and from machine to machine, written as its name."""

import re
from pathlib import Path

_PINS = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "<time>"),
    (r"\b20[2-9]\d-\d\d-\d\d\b", "<date>"),
    (r"in \d+\.\d\d s", "in <n> s"),
    (r"^( +took +).*$", r"\1<times>"),
    (r'"(duration_s|elapsed_s)":[\d.e-]+', r'"\1":"<n>"'),
    (r"replay (expect|run|pack|record) \([^)]*\):", r"replay \1 (<user>):"),
    (r"replay expect \([^)]*\)", "replay expect (<user>)"),
    (r"\bpython3\.\d+\b", "python<n>"),
    (r"Python 3\.\d+\.\d+[\w+.]*", "Python <n>"),
    (r"replay \d+\.\d+\.\d+[\w+.]*", "replay <n>"),
    (r"pytest \d+\.\d+\.\d+[\w+.]*", "pytest <n>"),
    # Library code: its lines, and how many of them, belong to the library's version.
    (r"^(  \S+\.py):\d+ .*$", r"\1:<n> <library code>"),
    (r"… \d+ more in .*$", "… <n> more in <libraries>"),
    (r"http://127\.0\.0\.1:\d+", "http://127.0.0.1:<port>"),
)


def pinned(text: str, project: Path) -> str:
    """Give *text* as it is on every machine and in every run."""
    text = text.replace(str(project), "<project>")
    for pattern, name in _PINS:
        text = re.sub(pattern, name, text, flags=re.MULTILINE)
    return text
