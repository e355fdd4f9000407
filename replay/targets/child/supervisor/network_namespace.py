"""A network of the function's own, in which there is nothing but its own loopback."""

import os
import socket
import struct
import sys

_CLONE_NEWNET = 0x40000000
_CLONE_NEWUSER = 0x10000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP_RUNNING = 0x1 | 0x40


def enter_network_namespace() -> None:
    """
    Leave the network of this machine, for this process and all that it will start.

    Root may do so directly; others need user namespaces, which some systems and most containers do not allow.

    Raises:
        OSError: The system does not allow it. What was done on the way cannot be undone: start anew without it.
    """
    if sys.platform != "linux":
        raise OSError(f"{sys.platform} has no network namespaces")
    import ctypes
    import fcntl  # all that is needed is imported while Python's own files can be read for sure

    libc = ctypes.CDLL(None, use_errno=True)

    def unshare(flags: int) -> None:
        if libc.unshare(flags):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    user, group = os.getuid(), os.getgid()
    try:
        unshare(_CLONE_NEWNET)
    except OSError:
        unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP_RUNNING))


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
