"""Processes: workers that may die without anybody waiting for them for ever."""

import pickle
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any, Self, TypeVar, final

from geobench.errors import DataError, GeobenchError, said_by, traced

T = TypeVar("T")

_spawn = get_context("spawn")
_PATIENCE = 5.0  # seconds in which a worker that has nothing to do has ended


@final
class EndedError(Exception):
    """A worker that ended before it answered; its text says by which signal or exit code."""


@final
@dataclass(eq=False, slots=True)
class _Worker:
    """A process, and this end of the pipe to it."""

    process: SpawnProcess
    pipe: Connection


@final
class Processes:
    """Worker processes, each with a thread of this process that waits for it.

    A pipe of its own leads to each. Of queues that all of them share, a worker that is killed may
    hold the lock: the others would wait for ever, and nobody would know what it was working at.

    Args:
        number: how many, at most; each starts when it is needed.
        start: what each does first, and with what.
        given: that.
    """

    def __init__(self, number: int, start: Callable[[T], None], given: T) -> None:
        self._start, self._given = start, given
        self._threads = ThreadPoolExecutor(number)
        self._own = threading.local()
        self._lock = threading.Lock()
        self._living = set[_Worker]()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        with self._lock:  # from here on none starts
            self._closed = True
            living = list(self._living)
            for worker in living:
                if kind is not None:
                    worker.process.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in living:  # all end at the same time
            worker.pipe.close()
        for worker in living:
            self._end(worker)

    def submit(self, task: Callable[[], T]) -> Future[T]:
        """Do this in a thread that has a worker, which it reaches by `call`."""
        return self._threads.submit(task)

    def call(self, function: Callable[[Any], T], argument: Any) -> T:
        """What the function makes of the argument in the worker of this thread.

        Raises:
            EndedError: the worker ended before it answered; the next call has a new one.
            DataError: the worker ended while it started.
            Exception: what the function raises.
        """
        worker = getattr(self._own, "worker", None)
        if worker is None:
            worker = self._own.worker = self._started()
        try:
            worker.pipe.send((function, argument))
            answer = worker.pipe.recv()
        except (EOFError, OSError) as error:
            self._own.worker = None
            raise EndedError(self._end(worker)) from error
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[no-any-return]

    def _started(self) -> _Worker:
        ours, theirs = _spawn.Pipe()
        process = _spawn.Process(target=_serve, args=(theirs, self._start, self._given))
        with self._lock:
            if self._closed:
                raise RuntimeError("the workers are being ended")
            _start_deaf(process)
            theirs.close()
            worker = _Worker(process, ours)
            self._living.add(worker)
        try:
            problem = ours.recv()
        except (EOFError, OSError) as error:
            raise DataError(
                f"a process that prepares pictures ended while it started ({self._end(worker)})",
                remedy="Where memory ran out, close other programs or let fewer cores be used: "
                "taskset --cpu-list 0-3 geobench ...",
            ) from error
        if problem is not None:
            self._end(worker)
            raise problem
        return worker

    def _end(self, worker: _Worker) -> str:
        """Let it end, and say how it did."""
        worker.pipe.close()  # at which it ends by itself
        with self._lock:  # two threads that wait for processes take each other's results
            worker.process.join(_PATIENCE)
            if worker.process.exitcode is None:
                worker.process.kill()
                worker.process.join()
            self._living.discard(worker)
            return _how(worker.process.exitcode)


def _start_deaf(process: SpawnProcess) -> None:
    """Start a process that Ctrl-C does not reach: who started it ends it, and says what is said."""
    if not hasattr(signal, "pthread_sigmask"):
        process.start()
        return
    resource_tracker.ensure_running()  # which lets signals through when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _how(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    named = signal.Signals(-code).name if -code in {*signal.Signals} else f"signal {-code}"
    return f"{named}, as where memory runs out" if named == "SIGKILL" else named


def _serve(pipe: Connection, start: Callable[[T], None], given: T) -> None:
    """What a worker does: it starts, says so, and answers until nobody asks."""
    try:
        start(given)
    except BaseException as error:
        pipe.send(_sendable(error))
        return
    pipe.send(None)
    while True:
        try:
            function, argument = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            answer = function(argument)
        except BaseException as error:
            answer = _sendable(error)
        pipe.send(answer)


def _sendable(error: BaseException) -> Exception:
    """An error that can be sent, or what it says in one."""
    if isinstance(error, GeobenchError):
        return error
    try:
        error.add_note(traced(error))
        found = pickle.loads(pickle.dumps(error))
    except Exception:
        found = None
    return found if isinstance(found, Exception) else DataError(said_by(error))
