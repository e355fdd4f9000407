"""A press of an AWS IoT button, or a caller of AWS IoT who wants to be let in."""

from collections.abc import Mapping
from typing import Any, ClassVar

from replay.payloads.envelopes.documents import text_at
from replay.payloads.envelopes.event_shape import EventShape
from replay.payloads.event_sources import EventSource


class IotDevice(EventShape):
    """
    An IoT button, an IoT 1-Click device, a custom authorizer or a provisioning hook; the last two are waited for.

    Source: AWS IoT Core Developer Guide, "Custom authentication" and "Pre-provisioning hooks"; AWS IoT 1-Click.
    """

    name: ClassVar[str] = "iot-device"

    def recognise(self, event: Mapping[str, Any]) -> EventSource | None:
        """Know it by what each of the four alone has."""
        if all(text_at(event, name) for name in ("serialNumber", "clickType", "batteryVoltage")):
            return EventSource(kind="async")
        if all(isinstance(event.get(name), dict) for name in ("deviceEvent", "deviceInfo", "placementInfo")):
            return EventSource(kind="async")
        asks = isinstance(event.get("protocolData"), dict) and isinstance(event.get("connectionMetadata"), dict)
        provisions = text_at(event, "claimCertificateId") and text_at(event, "templateArn")
        return EventSource(kind="direct") if asks or provisions else None
