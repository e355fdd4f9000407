"""`replay schema`: the JSON Schema of fixture.json."""

import json

import click


@click.command("schema")
@click.option("--json", "as_json", is_flag=True, help="On one line.")
def command(as_json: bool) -> None:
    """Print the JSON Schema of fixture.json, for editors and for tools in other languages."""
    from replay.fixtures.schema import schema

    click.echo(json.dumps(schema(), indent=None if as_json else 2, ensure_ascii=False))
