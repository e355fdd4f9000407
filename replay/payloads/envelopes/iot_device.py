"""A press of an AWS IoT button, a change in IoT's registry, or a caller of AWS IoT who wants to be let in."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource

_REGISTRY_EVENT = re.compile(r"THING(?:_GROUP|_TYPE|_TYPE_ASSOCIATION|_GROUP_MEMBERSHIP|_GROUP_HIERARCHY)?_EVENT")


class IotDevice(EventShape):
    """
    An IoT button, an IoT 1-Click device, a registry event, a custom authorizer or a provisioning hook.

    The last two are waited for. Source: AWS IoT Core Developer Guide, "Registry events" (which a rule hands over),
    "Custom authentication" and "Pre-provisioning hooks"; AWS IoT 1-Click. A custom authorizer of the beta was given
    `httpContext`, `mqttContext` and `tlsContext`.
    """

    name: ClassVar[str] = "iot-device"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by what each of them alone has."""
        if all(text_at(event, name) for name in ("serialNumber", "clickType", "batteryVoltage")):
            return EventSource(kind="async")
        if all(isinstance(event.get(name), dict) for name in ("deviceEvent", "deviceInfo", "placementInfo")):
            return EventSource(kind="async")
        if _REGISTRY_EVENT.fullmatch(text_at(event, "eventType") or "") and text_at(event, "eventId"):
            return EventSource(kind="async")
        asks = isinstance(event.get("protocolData"), dict) and isinstance(event.get("connectionMetadata"), dict)
        asks = asks or all(isinstance(event.get(name), dict) for name in ("httpContext", "mqttContext", "tlsContext"))
        provisions = text_at(event, "claimCertificateId") and text_at(event, "templateArn")
        return EventSource(kind="direct") if asks or provisions else None
