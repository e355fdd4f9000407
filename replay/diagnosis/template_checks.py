"""Which templates were found, and what they declare."""

from collections.abc import Iterator

from replay.diagnosis.finding import Finding, problem
from replay.functions.template_search import describe_search
from replay.project import Project

_MOST_NAMES = 8


def check_templates(project: Project) -> Iterator[Finding]:
    """Say which template declares which functions, and which template cannot be used."""
    read = project.catalog.templates_read()
    for template in read:
        if template.problem is not None:
            yield problem("templates", template.problem, about=str(template.path))
            continue
        names = ", ".join(template.functions[:_MOST_NAMES])
        more = f" and {len(template.functions) - _MOST_NAMES} more" if len(template.functions) > _MOST_NAMES else ""
        yield Finding(
            check="templates", level="ok", what=f"{template.path}: {f'{names}{more}' if names else 'no function'}"
        )
    if not read:
        needed = not project.config.functions
        yield Finding(
            check="templates",
            level="note" if needed else "ok",
            what=f"no template found in {describe_search(project.config.root)}",
            hint='name it: [tool.replay] template = "…", or name the functions: [tool.replay.functions.NAME]',
        )
