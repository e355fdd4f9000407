"""JSON text laid out for eyes: only the white space between its tokens changes."""

from collections.abc import Iterator

from replay.payloads.exact_json import tokens

_INDENT = "  "
_DEPTH_LIMIT = 200
TOO_DEEP = "(nested too deep to be shown)"


def pretty_rows(text: str) -> list[str]:
    """
    Lay *text* out in rows, each token exactly as it is written: a number of thirty digits keeps them all.

    Raises:
        InvalidJson: It is not JSON.
    """
    rows = [""]
    depth = 0
    for piece in _pieces(text):
        if piece in {"}", "]"}:
            depth -= 1
            if rows[-1].strip() or len(rows) == 1:
                rows.append(_INDENT * depth)
            else:
                rows.pop()  # nothing was inside
        rows[-1] += f"{piece} " if piece == ":" else piece
        if piece in {"{", "["}:
            depth += 1
            if depth > _DEPTH_LIMIT:
                return [TOO_DEEP]
        if piece in {"{", "[", ","}:
            rows.append(_INDENT * depth)
    return rows


def _pieces(text: str) -> Iterator[str]:
    """Give tokens whole and what stands between them sign by sign, white space left out."""
    at = 0
    for token in tokens(text):
        yield from "".join(text[at : token.start].split())
        yield text[token.start : token.end]
        at = token.end
    yield from "".join(text[at:].split())
