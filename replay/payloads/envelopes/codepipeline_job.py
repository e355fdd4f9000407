"""An action of a CodePipeline pipeline."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class CodePipelineJob(EventShape):
    """
    A job whose result the function reports by itself; CodePipeline invokes asynchronously.

    Source: AWS CodePipeline User Guide, "Invoke an AWS Lambda function in a pipeline".
    """

    name: ClassVar[str] = "codepipeline-job"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its only member."""
        return EventSource(kind="async") if text_at(event, "CodePipeline.job", "id") is not None else None
