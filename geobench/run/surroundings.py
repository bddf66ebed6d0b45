"""Surroundings: what a method may change of the process that it runs in, put back after it."""

import gc
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, final

import numpy as np

from geobench import random_states
from geobench.errors import Interrupted


@final
class Interrupts:
    """Whether a Ctrl-C came while a method ran: one that it raises itself is a failure like any."""

    def __init__(self) -> None:
        self.came = False

    def passes(self, error: BaseException) -> bool:
        """Whether this error is the user's, and no failure of a method."""
        return isinstance(error, Interrupted) or (
            isinstance(error, KeyboardInterrupt) and self.came
        )

    @contextmanager
    def noted(self) -> Iterator[None]:
        """In this block a Ctrl-C is noted, and then does what it did before."""
        before = signal.getsignal(signal.SIGINT)
        main = threading.current_thread() is threading.main_thread()
        if not main or not callable(before):  # elsewhere Python raises none, and nobody handles it
            self.came = not main
            yield
            return
        then: Callable[[int, FrameType | None], Any] = before

        def note(number: int, frame: FrameType | None) -> None:
            try:
                then(number, frame)
            except BaseException:
                self.came = True  # and does not wait for the end of what runs
                raise

        signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


@contextmanager
def kept(seed: int) -> Iterator[None]:
    """Put back what is of the whole process: working folder, environment, floating-point errors,
    recursion limit, warning filters, signal handlers, standard streams, logging, random states.

    Of the environment, and of where modules are looked for, what was there before is put back;
    what is new stays, because modules add to them when they are imported, which is once.

    Args:
        seed: the global generators begin with it, so that a method that draws from them does so
            alike in whatever process, and after whatever other method, it runs.
    """
    takers = (_files, _folder, _environment, _numpy, _torch, _python, _signals, _logging)
    put_back = [take() for take in takers]
    with random_states.kept(), warnings.catch_warnings():
        random_states.seed(seed)
        try:
            yield
        finally:
            for each in put_back:
                with suppress(Exception):  # the folder is gone, say: the rest is put back
                    each()


def _folder() -> Callable[[], None]:
    try:
        folder = os.getcwd()
    except OSError:  # it was deleted
        return lambda: None
    return lambda: os.chdir(folder)


def _environment() -> Callable[[], None]:
    variables, path = dict(os.environ), list(sys.path)

    def put_back() -> None:
        os.environ.update(variables)
        if set(path) - set(sys.path):
            sys.path[:] = [*path, *(each for each in sys.path if each not in path)]

    return put_back


def _numpy() -> Callable[[], None]:
    errors, options = np.geterr(), np.get_printoptions()

    def put_back() -> None:
        np.seterr(**errors)
        np.set_printoptions(**options)

    return put_back


def _python() -> Callable[[], None]:
    limit, streams = sys.getrecursionlimit(), (sys.stdin, sys.stdout, sys.stderr)
    hooks, collecting = (sys.excepthook, sys.unraisablehook, threading.excepthook), gc.isenabled()

    def put_back() -> None:
        sys.setrecursionlimit(limit)
        sys.stdin, sys.stdout, sys.stderr = streams
        sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
        (gc.enable if collecting else gc.disable)()

    return put_back


def _torch() -> Callable[[], None]:
    torch = sys.modules.get("torch")
    if torch is None:  # who imports it later finds it as it is made
        return lambda: None
    dtype, threads, grad = (
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
    )

    def put_back() -> None:
        torch.set_default_dtype(dtype)
        torch.set_num_threads(threads)
        torch.set_grad_enabled(grad)

    return put_back


def _signals() -> Callable[[], None]:
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}

    def put_back() -> None:
        for number, handler in handlers.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)

    return put_back


def _logging() -> Callable[[], None]:
    root = logging.getLogger()
    level, handlers, disabled = root.level, list(root.handlers), root.manager.disable

    def put_back() -> None:
        root.setLevel(level)
        root.handlers[:] = handlers
        logging.disable(disabled)

    return put_back


_SPARE = 32
"""Files that can still be opened where a method has used up what a process may have open."""


def _files() -> Callable[[], None]:
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(_SPARE)]

    def put_back() -> None:
        for each in held:
            with suppress(OSError):
                os.close(each)

    return put_back
