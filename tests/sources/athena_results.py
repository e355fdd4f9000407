"""Results of queries: queued in moto, which runs no query, or given by a stand-in of Athena's API."""

from collections.abc import Iterator, Sequence
from typing import Any

from botocore.exceptions import ClientError

Rows = Sequence[Sequence[str | None]]


def queue_results(names: Sequence[str], rows: Rows, *, times: int = 1) -> None:
    """Let moto answer the next queries so; moto gives rows as they are, so the header is put before them."""
    from moto.athena.models import QueryResults, athena_backends

    backend = athena_backends["123456789012"]["us-east-1"]
    backend.query_results_queue += [
        QueryResults(rows=[data(names), *map(data, rows)], column_info=column_info(names)) for _ in range(times)
    ]


def data(values: Sequence[str | None]) -> dict[str, Any]:
    """Write a row as Athena does: a NULL has no VarCharValue."""
    return {"Data": [{} if value is None else {"VarCharValue": value} for value in values]}


def column_info(names: Sequence[str], types: Sequence[str] = ()) -> list[dict[str, Any]]:
    kinds = types or ["varchar"] * len(names)
    return [{"Name": name, "Label": name, "Type": kind} for name, kind in zip(names, kinds, strict=True)]


class FakeAthena:
    """
    Athena's answers, one query after the other, and every call that was made.

    `scanned` are the bytes of one poll after the other; a query ends in `state` with the last of them.
    """

    def __init__(
        self,
        names: Sequence[str] = ("event",),
        rows: Rows = (),
        *,
        scanned: Sequence[int] = (10,),
        state: str = "SUCCEEDED",
        reason: str = "",
        page_rows: int = 1_000,
        workgroup: dict[str, Any] | None = None,
        table: dict[str, Any] | None = None,
        types: Sequence[str] = (),
        refuses: dict[str, tuple[str, str]] | None = None,
    ) -> None:
        self.names, self.rows, self.types = names, rows, types
        self.scanned, self.state, self.reason = scanned, state, reason
        self.page_rows = page_rows
        self.workgroup = workgroup if workgroup is not None else {"ResultConfiguration": {"OutputLocation": "s3://r/"}}
        self.table = table
        self.refuses = refuses or {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._polls = 0

    def called(self, name: str) -> list[dict[str, Any]]:
        return [arguments for each, arguments in self.calls if each == name]

    def _note(self, name: str, arguments: dict[str, Any]) -> None:
        self.calls.append((name, arguments))
        if name in self.refuses:
            code, message = self.refuses[name]
            raise ClientError({"Error": {"Code": code, "Message": message}}, name)

    def get_work_group(self, **arguments: Any) -> Any:
        self._note("GetWorkGroup", arguments)
        state = self.workgroup.get("State", "ENABLED")
        return {"WorkGroup": {"Name": "primary", "State": state, "Configuration": self.workgroup}}

    def get_table_metadata(self, **arguments: Any) -> Any:
        self._note("GetTableMetadata", arguments)
        return {"TableMetadata": self.table}

    def start_query_execution(self, **arguments: Any) -> Any:
        self._note("StartQueryExecution", arguments)
        self._polls = 0
        return {"QueryExecutionId": f"q-{len(self.called('StartQueryExecution'))}"}

    def get_query_execution(self, **arguments: Any) -> Any:
        self._note("GetQueryExecution", arguments)
        at, self._polls = self._polls, self._polls + 1
        ended = at >= len(self.scanned) - 1
        status = {"State": self.state, "StateChangeReason": self.reason} if ended else {"State": "RUNNING"}
        scanned = self.scanned[min(at, len(self.scanned) - 1)]
        return {
            "QueryExecution": {
                "Status": status,
                "Statistics": {"DataScannedInBytes": scanned},
                "StatementType": "DML",
            }
        }

    def stop_query_execution(self, **arguments: Any) -> Any:
        self._note("StopQueryExecution", arguments)
        return {}

    def get_query_results(self, **arguments: Any) -> Any:
        self._note("GetQueryResults", arguments)
        first = int(arguments.get("NextToken", 0))
        last = first + self.page_rows - (first == 0)  # the header is one of the rows of the first page
        rows = [data(each) for each in self._between(first, last)]
        answer: dict[str, Any] = {
            "ResultSet": {
                "Rows": [data(self.names), *rows] if first == 0 else rows,
                "ResultSetMetadata": {"ColumnInfo": column_info(self.names, self.types)},
            }
        }
        if last < len(self.rows):
            answer["NextToken"] = str(last)
        return answer

    def _between(self, first: int, last: int) -> Iterator[Sequence[str | None]]:
        return (self.rows[number] for number in range(first, min(last, len(self.rows))))
