"""`python -m tests.truth FOLDER`: hold the project against recordings of AWS; exits 1 where they disagree."""

import sys
from pathlib import Path

from tests.truth.report import report_lines
from tests.truth.runner import judge_folder


def main(arguments: list[str]) -> int:
    """Judge the folder that is named, and print the report."""
    if len(arguments) != 1:
        sys.stderr.write(
            "usage: python -m tests.truth FOLDER   (with index.json, or with a folder for each category)\n"
        )
        return 2
    results = judge_folder(Path(arguments[0]))
    sys.stdout.writelines(f"{line}\n" for line in report_lines(results))
    return 0 if results.agree else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
