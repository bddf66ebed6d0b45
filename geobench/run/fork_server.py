"""The fork server: a process that has imported what cells need and forks one whenever it is asked.

It is a program of its own, started by `isolation`. It has run neither the code of plugins from
elsewhere nor anything that starts a GPU, which no fork may inherit. It is not the one of
multiprocessing, because that one imports the main module, is one for the whole process with what it
has imported first, stops where an import raises, and lets live what a cell leaves behind.
"""

import ctypes
import importlib
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
import warnings
from contextlib import suppress
from typing import NoReturn

import psutil

from geobench.run import isolated_cell

READY = b"r"
"""What the server says when it has imported all."""
NUMBER = struct.Struct("!i")
"""What else it says: the id of a process that it has forked, and, in time, its wait status."""

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def main(parent: int, control: int, modules: list[str]) -> NoReturn:
    """Serve until the other end of this socket is closed.

    Args:
        parent: the id of the process that has started this one.
        control: of one byte with three files each (see `isolated_cell.live`), a fork is made.
        modules: what is imported; what cannot be is left to the cells, whose training then says so.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with(parent)
    _prctl(_PR_SET_CHILD_SUBREAPER)  # whatever a cell starts, and leaves, comes to this process
    for module in modules:
        with suppress(BaseException):
            importlib.import_module(module)
    with socket.socket(fileno=control) as asked, suppress(OSError):
        asked.sendall(READY)
        _serve(asked)
    _end_all()
    os._exit(0)


def _serve(asked: socket.socket) -> None:
    woken, waker = os.pipe()
    for each in (woken, waker):
        os.set_blocking(each, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    cell = 0
    while True:
        ready = select.select([asked.fileno(), woken], [], [])[0]
        if woken in ready:
            with suppress(BlockingIOError):
                os.read(woken, 4096)
            for pid, status in _ended():
                if pid == cell:
                    _end_all(cell)
                    asked.sendall(NUMBER.pack(status))
        if asked.fileno() in ready:
            said, files, _, _ = socket.recv_fds(asked, 1, 3)
            if not said:
                return
            own = os.getpid()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of forks beside threads: those here sleep
                cell = os.fork()
            if cell == 0:
                _be_a_cell(own, files, (asked.detach(), woken, waker))
            for each in files:
                os.close(each)
            asked.sendall(NUMBER.pack(cell))


def _be_a_cell(server: int, files: list[int], others: tuple[int, ...]) -> NoReturn:
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for each in others:
            os.close(each)
        _end_with(server)
        job, wire, printed = files
        isolated_cell.live(job, wire, printed)
    finally:
        os._exit(1)


def _ended() -> list[tuple[int, int]]:
    found = []
    with suppress(ChildProcessError):
        while (one := os.waitpid(-1, os.WNOHANG))[0]:
            found.append(one)
    return found


def _end_all(group: int = 0) -> None:
    """End whatever lives below this process, and a cell's group, where nothing else finds it."""
    if group:
        with suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    with suppress(psutil.Error):
        for each in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                each.kill()


def _end_with(parent: int) -> None:
    """End this process with its parent: by the system (Linux), or within a second."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended in between
        os._exit(1)
    if sys.platform != "linux":
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _prctl(what: int, value: int = 1) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(what, value, 0, 0, 0)
