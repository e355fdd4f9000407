"""Numbers beside their bounds, as the benchmarks print them."""

from collections.abc import Iterable


def print_bounds(rows: Iterable[tuple[str, float, str, float]]) -> int:
    """Print each row's value, name, sign (`>=` or `<=`) and bound; give 1 where a bound is missed, else 0."""
    missed = False
    for name, value, sign, bound in rows:
        holds = value >= bound if sign == ">=" else value <= bound
        missed |= not holds
        print(f"{value:10.2f}  {name} (bound: {sign} {bound}){'' if holds else '  MISSED'}")
    return int(missed)
