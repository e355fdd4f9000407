"""`replay athena-ddl`: the statement that makes a table of a log in a bucket."""

from typing import Any

import click


@click.command("athena-ddl")
@click.argument("url", metavar="S3-URL")
@click.option("--name", required=True, metavar="TABLE", help="What the table is to be called.")
@click.option("--database", metavar="NAME", help="The database of the table; else the one that the statement runs in.")
@click.option(
    "--columns",
    type=click.Choice(["line", "fields"]),
    default="line",
    help="One column of whole lines, exact; or one for each member of JSON lines. [default: line]",
)
@click.option(
    "--layout", metavar="LAYOUT", help="How objects lie in folders, without looking: `yyyy/MM/dd/HH`, `none`, …"
)
@click.option(
    "--since", metavar="WHEN", help="Where projected dates begin: `90d`, or ISO 8601. [default: the first seen]"
)
@click.option("--region", help="The AWS region.")
@click.option("--profile", help="The AWS profile.")
@click.option("--endpoint-url", metavar="URL", help="Another endpoint than AWS's; `localstack` for LocalStack.")
def command(url: str, **options: Any) -> None:
    """
    Print the CREATE EXTERNAL TABLE for the log at S3-URL.

    Partitions are projected from the folders (yyyy/MM/dd/HH, dt=…, year=/month=/day=, AWSLogs/…), so that no crawler
    is needed. Nothing is created: run the statement in Athena.
    """
    from replay.sources.athena_parts.table_statement import athena_ddl

    click.echo(athena_ddl(url, **options))
