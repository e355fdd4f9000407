"""A loopback proxy in a process of its own that delays every request: a server far away."""

import asyncio
import multiprocessing
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from urllib.parse import urlsplit


@contextmanager
def slow_line(server_url: str, *, latency_s: float) -> Iterator[str]:
    """Run the proxy before *server_url* until the block ends; gives its own URL."""
    address = urlsplit(server_url)
    parent, child = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(address.hostname, address.port, latency_s, child), daemon=True
    )
    process.start()
    try:
        yield f"http://127.0.0.1:{parent.recv()}"
    finally:
        process.terminate()
        process.join()


def _serve(host: str, port: int, latency_s: float, told: Connection) -> None:
    asyncio.run(_proxy(host, port, latency_s, told))


async def _proxy(host: str, port: int, latency_s: float, told: Connection) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(host, port)
        _no_delay(writer, there_writer)
        await asyncio.gather(_pump(reader, there_writer, latency_s), _pump(there_reader, writer, 0))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    told.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, latency_s: float) -> None:
    """Pass on each chunk *latency_s* after it came: chunks that come close together wait together, as on a line."""
    on_the_line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    delivery = asyncio.create_task(_deliver(on_the_line, writer))
    try:
        while data := await reader.read(65_536):
            on_the_line.put_nowait((time.monotonic() + latency_s, data))
    except ConnectionError:
        return
    finally:
        on_the_line.put_nowait((time.monotonic() + latency_s, b""))
        await delivery


async def _deliver(on_the_line: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            due, data = await on_the_line.get()
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            if not data:
                return
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        return
    finally:
        writer.close()


def _no_delay(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
