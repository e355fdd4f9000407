"""How many of what, in words that a person would use."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """
    Write `1 failure`, `2 failures`, `12,000 failures`.

    Args:
        plural: Where it is not *noun* with an `s`; what stands behind the noun belongs to both.
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"
