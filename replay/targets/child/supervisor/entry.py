"""How the supervisor starts: CONTROL_DESCRIPTOR closed|open."""

import os
import socket
import sys

from .messages import MessageChannel
from .network_namespace import enter_network_namespace
from .supervision import Supervisor, become_subreaper


def main() -> None:
    """Say what was achieved, hand over the listening sockets, and supervise."""
    descriptor, network = sys.argv[1:]
    os.set_inheritable(int(descriptor), False)
    control = MessageChannel(socket.socket(fileno=int(descriptor)))
    is_contained = become_subreaper()
    if network == "closed":
        try:
            enter_network_namespace()
        except OSError as error:
            control.send({"event": "open", "why": str(error)})
            return
    # They must be made in the function's network; through them we, who are outside of it, can be reached.
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [listener.getsockname()[1] for listener in listeners]
    ready = {"event": "ready", "is_contained": is_contained, "ports": ports}
    try:
        control.send(ready, [listener.fileno() for listener in listeners])
    except ConnectionError:
        return  # it was quickly decided otherwise
    for listener in listeners:
        listener.close()
    Supervisor(control).run()
