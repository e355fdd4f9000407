"""The ids of an event's records in a report: each unlike all others of the event."""


def unlike(taken: set[str], wanted: str) -> str:
    """Add to *taken* an id like *wanted*, and give it: hand-made events repeat message ids and sequence numbers."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}#{number}"
    taken.add(name)
    return name
