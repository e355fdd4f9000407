"""`replay doctor`: what is misconfigured and how to mend it."""

import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click

from replay.cli.exits import AS_EXPECTED, UNEXPECTED
from replay.cli.options import fixtures_option, json_option, write_line
from replay.counted_nouns import counted
from replay.diagnosis.doctor import doctor
from replay.diagnosis.finding import Finding
from replay.diagnosis.leftovers import Leftovers
from replay.reports.visible_text import visible

_MARKS = {"ok": ("✓", "green"), "note": ("·", "yellow"), "problem": ("✗", "red")}


@click.command("doctor", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.option(
    "--source",
    metavar="NAME",
    help="Only: the least IAM policy for `replay record NAME`, with its options behind, and whether it is there.",
)
@click.option("--aws", is_flag=True, help="Also ask AWS who you are (sts:GetCallerIdentity).")
@click.option("--no-import", is_flag=True, help="Do not import the handlers, which runs their modules' own code.")
@click.option("--leftovers", is_flag=True, help="Only look for what killed recordings have left in the account.")
@click.option("--remove", is_flag=True, help="With --leftovers: remove it, but for recordings that may still run.")
@click.option("--region", metavar="NAME", help="With --leftovers or --source: the AWS region.")
@click.option("--profile", metavar="NAME", help="With --leftovers or --source: the AWS profile.")
@click.option(
    "--endpoint-url", metavar="URL", help="With --leftovers or --source: another endpoint; `localstack` for LocalStack."
)
@fixtures_option
@json_option
@click.pass_context
def command(
    context: click.Context,
    source: str | None,
    aws: bool,
    no_import: bool,
    leftovers: bool,
    remove: bool,
    region: str | None,
    profile: str | None,
    endpoint_url: str | None,
    fixtures_folder: Path | None,
    as_json: bool,
) -> None:
    """
    Say what is misconfigured and how to mend it; change nothing but with --remove.

    Every Python handler is imported in a process of its own, on a mocked AWS and without network.

    Exit code 0: nothing is wrong; 1: something is.
    """
    if source is not None and (leftovers or remove):
        raise click.UsageError("--source and --leftovers ask for two different things", context)
    if source is not None:
        from replay.cli.source_policy import tell_policy

        given = {"region": region, "profile": profile, "endpoint_url": endpoint_url}
        sys.exit(tell_policy(source, context.args, given, as_json=as_json, write=partial(_write, to_stderr=True)))
    if context.args:
        kind = "option" if context.args[0].startswith("-") else "argument"
        raise click.UsageError(f"No such {kind}: {context.args[0]}", context)
    asked = Leftovers(remove=remove, region=region, profile=profile, endpoint_url=endpoint_url)
    if not leftovers and asked != Leftovers():
        raise click.UsageError("--remove, --region, --profile and --endpoint-url need --leftovers (or --source)")
    problems = total = 0
    for finding in doctor(
        fixtures=fixtures_folder, aws=aws, imports=not no_import, leftovers=asked if leftovers else None
    ):
        total += 1
        problems += finding.level == "problem"
        if as_json:
            write_line({"type": "finding", **asdict(finding)})
        else:
            _write(finding)
    if as_json:
        write_line({"type": "summary", "total": total, "problems": problems})
    else:
        click.echo(f"\n{counted(problems, 'problem')} found" if problems else "\nnothing is wrong")
    sys.exit(UNEXPECTED if problems else AS_EXPECTED)


def _write(finding: Finding, *, to_stderr: bool = False) -> None:
    mark, color = _MARKS[finding.level]
    click.echo(f"{click.style(mark, fg=color, bold=True)} {finding.check:<14} {visible(finding.what)}", err=to_stderr)
    if finding.hint and finding.level != "ok":
        click.echo(f"  {'':<14} → {visible(finding.hint)}", err=to_stderr)
