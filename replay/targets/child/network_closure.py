"""What keeps a function's process from the network, and what does not: for the user's eyes."""

from replay.functions.function import Function
from replay.targets.child.child_process import ChildProcess
from replay.targets.child.launch import language_of

_GUARDED = {"python": "its Python sockets are closed", "node": "its Node sockets are closed"}


def wants_closed_network(function: Function) -> bool:
    """Say whether *function* is to have a network of its own: nobody outside can be let into one."""
    return not function.allow_hosts


def closed_by(function: Function, child: ChildProcess) -> list[str]:
    """List what closes the network of *function* in *child*, which is ready; empty where nothing does."""
    language = language_of(function)
    doors = [_GUARDED[language]] if language in _GUARDED else []
    return [*doors, *(["it has a network of its own, with nothing else in it"] if child.is_network_closed else [])]


def open_note(function: Function, child: ChildProcess) -> str | None:
    """Say so where a program in *child* can reach the network, None where it cannot."""
    if closed_by(function, child):
        return None
    why = child.why_open if wants_closed_network(function) else "allow_hosts can be kept in Python and Node only"
    return (
        f"{function.name} is not kept from the network ({why}); "
        "it has no credentials, and AWS_ENDPOINT_URL names a mocked AWS"
    )


def describe_closure(function: Function) -> str:
    """Find out, by starting its supervisor, what would close the network of *function*; one sentence for `doctor`."""
    with ChildProcess(closed_network=wants_closed_network(function)) as child:
        child.make_ready()
        doors = closed_by(function, child)
        return f"{function.name}: {', and '.join(doors)}" if doors else open_note(function, child) or ""
