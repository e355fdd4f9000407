"""What the two ends of the supervisor's control socket say to each other."""

import marshal
import os
import socket
from collections.abc import Sequence

TYPE_CHECKING = False  # `typing` itself would take a third of the supervisor's start
if TYPE_CHECKING:
    from typing import Any

_LENGTH_BYTES = 4
_MAXIMUM_DESCRIPTORS = 8

Message = dict[str, "Any"]


class MessageChannel:
    """
    One end of the control socket: dictionaries of plain values, and file descriptors beside them.

    Both ends run on the same interpreter, which is what `marshal` needs.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def fileno(self) -> int:
        """Give the descriptor to wait on."""
        return self._connection.fileno()

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Send *message*, with copies of *descriptors*."""
        body = marshal.dumps(message)
        data = len(body).to_bytes(_LENGTH_BYTES, "big") + body
        if descriptors:
            data = data[socket.send_fds(self._connection, [data], list(descriptors)) :]
        if data:
            self._connection.sendall(data)

    def receive(self) -> tuple[Message, list[int]]:
        """
        Receive one message, and the descriptors that came with it.

        Raises:
            EOFError: The other end is gone.
        """
        head, descriptors, _, _ = socket.recv_fds(self._connection, _LENGTH_BYTES, _MAXIMUM_DESCRIPTORS)
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)  # they come in open for every program that is started
        head += self._exactly(_LENGTH_BYTES - len(head)) if head else b""
        if not head:
            raise EOFError
        message: Message = marshal.loads(self._exactly(int.from_bytes(head, "big")))  # noqa: S302 - from our own process
        return message, list(descriptors)

    def close(self) -> None:
        """Close this end; the other one then ends."""
        self._connection.close()

    def _exactly(self, size: int) -> bytes:
        parts = []
        while size:
            part = self._connection.recv(size)
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
