"""`replay doctor`: every check, one after the other."""

from collections.abc import Iterator
from pathlib import Path

from replay.diagnosis.aws_checks import check_aws
from replay.diagnosis.finding import Finding, guarded, problem
from replay.diagnosis.fixture_checks import check_fixtures
from replay.diagnosis.function_checks import check_functions
from replay.diagnosis.installation_checks import check_installation
from replay.diagnosis.leftovers import Leftovers, check_leftovers
from replay.diagnosis.settings_checks import check_settings
from replay.diagnosis.template_checks import check_templates
from replay.errors import ReplayError
from replay.project import open_project


def doctor(
    start: Path | None = None,
    *,
    fixtures: Path | None = None,
    aws: bool = False,
    imports: bool = True,
    leftovers: Leftovers | None = None,
) -> Iterator[Finding]:
    """
    Look at installation, configuration, fixtures, templates, functions, and on demand at AWS.

    Args:
        aws: Ask AWS who we are (one call, `sts:GetCallerIdentity`); otherwise nothing leaves this machine.
        imports: Import every Python handler, each in a process of its own with mocked AWS and no network.
        leftovers: Look only for what killed recordings have left in an account, and remove it where that is asked for.
    """
    if leftovers is not None:
        yield from check_leftovers(leftovers)
        return
    yield from check_installation()
    try:
        project = open_project(start, fixtures=fixtures)
    except ReplayError as error:
        yield problem("configuration", error)
        return
    yield Finding(check="configuration", level="ok", what=f"project root {project.config.root}")
    yield from check_settings(project)
    yield from guarded("fixtures", lambda: check_fixtures(project))
    yield from guarded("templates", lambda: check_templates(project))
    yield from guarded("functions", lambda: check_functions(project, imports=imports))
    yield from check_aws(ask=aws)
