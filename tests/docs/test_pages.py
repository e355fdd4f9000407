"""
Every page of the documentation is run.

- A `console` block: its `$` commands are run in order in the demo's project, all blocks of a page in one project, against a
  poisoned queue on an embedded AWS. `# exit code N` behind a command is what it must end with (else 0). The lines below a
  command are what it prints, in this order, `…` standing for any lines; ids, counts and times may differ. For the pages
  about logs, the function has logged its failures.
- A `python` block with tests is run by pytest in that project, another one by Python.
- A `toml` block is read as configuration; a `yaml` block is YAML.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from replay.config import load_config
from replay.demonstration.embedded_aws import embedded_aws, poison_queue
from tests.docs import (
    archived_events,
    extension_package,
    logged_failures,
    logs_in_a_bucket,
    saved_files,
    streams_and_traces,
)

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
SERVICE = ROOT / "examples" / "orders"
# What sets a machine up is run by .ci/run, in a fresh clone.
RUN_ELSEWHERE = ("make ", "pip install", "replay demo")

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_VARIABLE = re.compile(r"\b[0-9a-f]{8}\b|\d+\.\d+ ?s\b|\d{4}-\d\d-\d\d")


class Block(NamedTuple):
    language: str
    text: str


class Command(NamedTuple):
    line: str
    exit_code: int
    expected: list[str]


def blocks(page):
    return [Block(*found) for found in _BLOCK.findall(page.read_text(encoding="utf-8"))]


def commands(text):
    found = []
    for line in text.splitlines():
        if line.startswith("$ "):
            command, _, code = line[2:].partition("  # exit code ")
            found.append(Command(command, int(code or 0), []))
        elif found and not line.startswith("# ") and line.strip():
            found[-1].expected.append(line)
    return [command for command in found if not command.line.startswith(RUN_ELSEWHERE)]


@pytest.fixture
def project(tmp_path):
    """The demo's project with its poisoned queue: a folder, and the environment of its commands."""
    for part in ("src", "fixed"):
        shutil.copytree(SERVICE / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(SERVICE / "template.yaml", tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.replay]\ntemplate = "template.yaml"\n', encoding="utf-8")
    with embedded_aws() as environment:
        poison_queue(environment, SERVICE / "poison_messages.json", queue="orders", dead_letter_queue="orders-dlq")
        bin_folder = str(Path(sys.executable).parent)
        yield tmp_path, {**environment, "PATH": f"{bin_folder}{os.pathsep}{environment['PATH']}"}


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(commands(b.text) for b in blocks(page) if b.language == "console")],
    ids=lambda page: page.name,
)
def test_commands_print_what_the_page_says(page, project):
    """A reader who types the commands of a page, in order, sees what the page shows."""
    folder, environment = project
    if page.name in logged_failures.PAGES:
        logged_failures.log_failures(environment)
    if page.name in logs_in_a_bucket.PAGES:
        logs_in_a_bucket.put_logs(folder, environment)
    if page.name in saved_files.PAGES:
        saved_files.save(folder)
    if page.name in archived_events.PAGES:
        archived_events.archive_events(environment)
    if page.name in streams_and_traces.PAGES:
        streams_and_traces.prepare(folder, environment)
    if page.name in extension_package.PAGES:
        code, configuration = (block.text for block in blocks(page) if block.language in {"python", "toml"})
        extension_package.install(folder, environment, code, configuration)
    for block in blocks(page):
        for command in commands(block.text) if block.language == "console" else ():
            done = subprocess.run(
                command.line,
                shell=True,
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            printed = done.stdout + done.stderr
            assert done.returncode == command.exit_code, f"{command.line}\n{printed}"
            assert_shows(printed, command)


def assert_shows(printed, command):
    rows = [alike(row) for row in printed.splitlines()]
    at = 0
    for line in command.expected:
        if line.strip() != "…":
            assert alike(line) in rows[at:], f"{command.line} does not print {line!r} there:\n{printed}"
            at = rows.index(alike(line), at) + 1


def alike(row):
    return _VARIABLE.sub("<variable>", row).rstrip()


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(b.language == "python" for b in blocks(page))], ids=lambda page: page.name
)
def test_python_blocks_run(page, project):
    """A reader who copies a Python block has something that works."""
    folder, environment = project
    shell = {"cwd": folder, "env": environment, "capture_output": True, "text": True}
    only = '{"body": {"customer_id": [{"exists": false}], "order_id": [{"exists": true}]}}'
    record = ["replay", "record", "sqs", "--queue", "orders-dlq", "--function", "orders", "--where", only]
    subprocess.run(record, **shell, check=True)
    for number, block in enumerate(block for block in blocks(page) if block.language == "python"):
        is_test = "def test_" in block.text
        path = folder / f"test_page_{number}.py"
        path.write_text(block.text, encoding="utf-8")
        arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)] if is_test else [str(path)]
        done = subprocess.run([sys.executable, *arguments], **shell, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_configuration_blocks_are_valid(page, tmp_path):
    """A reader who copies a TOML or YAML block gets no complaint."""
    for block in blocks(page):
        if block.language == "toml":
            (tmp_path / "pyproject.toml").write_text(block.text, encoding="utf-8")
            assert load_config(tmp_path).root == tmp_path
        if block.language == "yaml":
            assert yaml.safe_load(block.text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """No link of a page to another file of the project is dead."""
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), target
