"""Whether recording could reach AWS."""

from collections.abc import Iterator

from replay.diagnosis.finding import Finding
from replay.errors import ReplayError


def check_aws(*, ask: bool) -> Iterator[Finding]:
    """Say where recording would go; with *ask*, also as whom."""
    from replay.readers.aws_errors import aws_errors
    from replay.readers.clients import aws_client

    try:
        with aws_errors(where="doctor"):
            endpoint = aws_client("sqs").meta.endpoint_url  # sts alone would not mind that no region is set
            if not ask:
                what = f"a region is set; calls would go to {endpoint}"
                yield Finding(check="aws", level="ok", what=what, hint="--aws asks who you are")
                return
            identity = aws_client("sts").get_caller_identity()
    except ReplayError as error:
        yield Finding(check="aws", level="problem" if ask else "note", what=error.what, hint=error.hint)
    else:
        yield Finding(check="aws", level="ok", what=f"account {identity['Account']} as {identity['Arn']}")
