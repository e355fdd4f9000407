"""Several looks at a time: one after the other here, in threads while a network is waited for, or in processes."""

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from queue import Empty, Full, Queue
from types import TracebackType
from typing import IO, Any, Literal, Self

from replay.errors import ConfigurationError, SourceError
from replay.sources.s3_log_parts.tasks import Access, Ended, Finding, Reached, Task, perform

_WAIT_S = 0.1
_MOST_WAITING = 200
_CHILD = "import sys; sys.path[:] = {path!r}; from replay.sources.s3_log_parts.lanes import serve; serve()"

Lane = Literal["process", "thread"]


class Lanes:
    """
    Does tasks in *count* lanes; the order of what they find is that of the tasks only where there is one lane.

    Of several processes this one is the last: it reads while the others start. They are started anew, not forked: they
    share nothing with this one but a pipe each.
    """

    def __init__(self, access: Access, *, count: int, kind: Lane, client: Any = None) -> None:
        self._access, self._client = access, client
        self.count = count
        self._children = [_Child(access) for _ in range(count - 1)] if kind == "process" else []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.reached: Callable[[Task, Reached], object] = lambda _, __: None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End what is under way."""
        self._stop.set()
        for child in self._children:
            child.end()
        self._children = []

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Finding]]:
        """Do all *tasks*, and give what each of them finds as soon as it is found."""
        if self.count == 1:
            for task in tasks:
                found = perform(task, self._access, self._client, reached=partial(self.reached, task))
                yield from ((task, finding) for finding in found)
            return
        queue: Queue[tuple[Task, Finding | Reached] | BaseException | None] = Queue(_MOST_WAITING)
        iterator = iter(tasks)
        threads = [
            threading.Thread(target=self._work, args=(number, iterator, queue), daemon=True)
            for number in range(self.count)
        ]
        for thread in threads:
            thread.start()
        ended = 0
        while ended < len(threads):
            item = queue.get()
            if item is None:
                ended += 1
            elif isinstance(item, BaseException):
                raise item
            elif isinstance(item[1], Reached):
                self.reached(item[0], item[1])
            else:
                yield item[0], item[1]

    def _work(self, number: int, tasks: Iterator[Task], queue: "Queue[Any]") -> None:
        try:
            while not self._stop.is_set():
                with self._lock:
                    task = next(tasks, None)
                if task is None:
                    break
                for finding in self._perform(number, task, queue):
                    self._put(queue, (task, finding))
            self._put(queue, None)
        except BaseException as error:  # noqa: BLE001 - whoever waits for this lane raises it
            self._put(queue, error)

    def _perform(self, number: int, task: Task, queue: "Queue[Any]") -> Iterator[Finding | Reached]:
        if number < len(self._children):
            return self._children[number].perform(task)
        return perform(task, self._access, self._client, reached=partial(self._go_on, task, queue))

    def _go_on(self, task: Task, queue: "Queue[Any]", to: Reached) -> None:
        """Tell how far a task of this process is, unless nobody listens any more: it ends there, as a child would."""
        if self._stop.is_set():
            raise _Stopped
        self._put(queue, (task, to))

    def _put(self, queue: "Queue[Any]", item: object) -> None:
        while not self._stop.is_set():
            with suppress(Full):
                queue.put(item, timeout=_WAIT_S)
                return
        with suppress(Empty):
            queue.get_nowait()


class _Stopped(Exception):
    """Nobody wants to know the rest of a task."""


class _Child:
    """A process that does one task after the other."""

    def __init__(self, access: Access) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own code in our own interpreter
            [sys.executable, "-c", _CHILD.format(path=sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is ours to take
        )
        self._unsent: list[object] = [access]

    def _send(self, value: object) -> None:
        pickle.dump(value, self._pipe(self._process.stdin))
        self._pipe(self._process.stdin).flush()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None
        return pipe

    def perform(self, task: Task) -> Iterator[Finding | Reached]:
        """
        Send *task* over and give what comes back.

        Raises:
            SourceError: The process has ended.
        """
        self._unsent.append(task)
        try:
            while self._unsent:
                self._send(self._unsent.pop(0))
            while True:
                finding = pickle.load(self._pipe(self._process.stdout))  # noqa: S301 - from our own child
                yield finding
                if isinstance(finding, Ended | ConfigurationError):
                    return
        except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
            raise SourceError(
                "a process that reads logs has ended by itself",
                where=task.found.place,
                hint="try --processes 1; too little memory, perhaps",
            ) from error

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                self._pipe(pipe).close()


def serve() -> None:
    """Do the tasks that come on standard input, and write what they find to standard output, until it is closed."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that prints may come between
    access: Access = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent
    client: Any = None

    def answer(found: Finding | Reached) -> None:
        pickle.dump(found, answers)
        answers.flush()

    while True:
        try:
            task: Task = pickle.load(sys.stdin.buffer)  # noqa: S301 - the same
        except EOFError:
            return
        if client is None and task.found.bucket:
            client = access.client()
        for finding in perform(task, access, client, reached=answer):
            answer(finding)
