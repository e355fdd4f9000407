"""A lifecycle hook of a CodeDeploy deployment."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class CodeDeployHook(EventShape):
    """
    A hook whose result the function reports by itself.

    Source: AWS CodeDeploy User Guide, "AppSpec 'hooks' section".
    """

    name: ClassVar[str] = "codedeploy-hook"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by its two ids."""
        told = text_at(event, "DeploymentId") and text_at(event, "LifecycleEventHookExecutionId")
        return EventSource(kind="async") if told else None
