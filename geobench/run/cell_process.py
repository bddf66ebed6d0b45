"""The process of a cell, seen from the run: forked, watched and, where it must be, ended."""

import logging
import math
import os
import pickle
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import final

from geobench.errors import PluginError
from geobench.run.cell_watch import End, GarbledError, Lines, Printed, Stopped, Watch
from geobench.run.fork_server import NUMBER, READY
from geobench.run.isolated_cell import DUMP, Job

log = logging.getLogger(__name__)

_LOOKS = 0.1  # seconds between two looks at the clock and at memory
_IMPORTS = 120.0  # seconds in which the fork server has imported all
_ENDS = 10.0  # seconds in which what was killed is gone
_LEAVES = 5.0  # seconds in which a cell that has said how it ended is gone
_DUMPS = 0.3  # seconds in which a cell has written down where it is
_LONGEST_MESSAGE = 4 << 20  # bytes


@final
class Server:
    """A fork server that has imported some modules.

    Args:
        modules: their names.

    Raises:
        PluginError: it does not start.
    """

    def __init__(self, modules: Iterable[str]) -> None:
        ours, its = socket.socketpair()
        self.control = ours
        with its:
            code = (
                f"import sys; sys.path[:] = {sys.path!r}; from geobench.run.fork_server import "
                f"main; main({os.getpid()}, {its.fileno()}, {sorted(modules)!r})"
            )
            self._process = subprocess.Popen(
                [sys.executable, "-c", code],
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C goes to the run alone
            )
        self.pid = self._process.pid
        ours.settimeout(_IMPORTS)
        try:
            started = ours.recv(1) == READY
        except OSError:
            started = False
        if not started:
            self.stop()
            ended = self._process.returncode
            raise PluginError(
                f"the process that trainings are forked from does not start (exit code {ended})",
                remedy="`--isolate never` runs them in the process of the run.",
            )

    def fork(self, files: list[int]) -> int:
        """The id of a new cell that has these files.

        Raises:
            OSError: the server is gone.
        """
        self.control.settimeout(_ENDS)
        socket.send_fds(self.control, [b"f"], files)
        return self.number()

    def number(self) -> int:
        """What the server says next: an id, or how a cell has ended.

        Raises:
            OSError: it is gone.
        """
        said = self.control.recv(NUMBER.size, socket.MSG_WAITALL)
        if len(said) != NUMBER.size:
            raise ConnectionResetError("the fork server is gone")
        found: int = NUMBER.unpack(said)[0]
        return found

    @property
    def stopped(self) -> bool:
        """Whether it forks nothing any more."""
        return self._process.poll() is not None

    def stop(self) -> None:
        """End it, and whatever lives below it."""
        self.control.close()
        try:
            self._process.wait(_ENDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@final
class CellProcess:
    """A training in a process of its own, from its fork to its end.

    Args:
        server: who forks it.
        job: what it does.
        watch: what becomes known of it.

    Raises:
        OSError: the server is gone.
    """

    def __init__(self, server: Server, job: Job, watch: Watch) -> None:
        self._server = server
        self._watch = watch
        (hears, tells), (shows, prints) = os.pipe(), os.pipe()
        self._wire = Lines(hears, _LONGEST_MESSAGE)
        self._printed = Printed(shows)
        self._ends = (hears, shows)
        self._stopped: Stopped = ""
        self._measured = 0.0
        self._leaves_by = self._gone_by = math.inf
        try:
            with tempfile.TemporaryFile() as file:
                pickle.dump(job, file)
                file.flush()
                self._pid = server.fork([file.fileno(), tells, prints])
        except BaseException:
            self.close()
            raise
        finally:
            os.close(tells)
            os.close(prints)

    def until_its_end(self) -> End:
        """Watch it until it is gone, and end it where it takes too much of something."""
        try:
            return self._watched()
        except BaseException:  # a second Ctrl-C, say: nothing of it lives on
            self._kill()
            with suppress(OSError):
                self._server.control.settimeout(_ENDS)
                self._server.number()
            raise
        finally:
            self._watch.end_bars()
            self.close()

    def close(self) -> None:
        """Close what it was heard by."""
        for each in self._ends:
            os.close(each)

    def _watched(self) -> End:
        control = self._server.control.fileno()
        with selectors.DefaultSelector() as selector:
            for each in (control, *self._ends):
                selector.register(each, selectors.EVENT_READ)
            while time.monotonic() < self._gone_by:
                for key, _ in selector.select(_LOOKS):
                    if key.fd == control:
                        return self._ended()
                    if not self._take(key.fd):
                        selector.unregister(key.fd)
                self._limit(time.monotonic())
        self._server.stop()  # it does not say that the cell is gone: what is wrong is wrong there
        return End(None, self._stopped)

    def _take(self, descriptor: int) -> bool:
        """Take in what came by one of the two pipes; whether more may come."""
        if descriptor == self._printed.lines.descriptor:
            self._printed.relay()
            return self._printed.lines.open
        try:
            for line in self._wire.read():
                if not self._watch.told:
                    self._watch.hear(line)
        except GarbledError as error:
            log.debug("a cell was garbled: %s", error)
            self._stop("garbled")
            return False
        return self._wire.open

    def _ended(self) -> End:
        """How it ended, as the server says now; and the last that it has said itself."""
        try:
            code = os.waitstatus_to_exitcode(self._server.number())
        except OSError:
            self._kill()
            self._server.stop()
            code = None
        for each in self._ends:
            while select.select([each], [], [], 0)[0] and self._take(each):
                pass
        self._printed.end()
        return End(code, self._stopped)

    def _limit(self, now: float) -> None:
        """End it where it has taken too much, or stays though it has said how it ended."""
        if self._stopped:
            return
        if self._watch.told:
            self._leaves_by = min(self._leaves_by, now + _LEAVES)
            if now > self._leaves_by:
                self._stop("told")
            return
        if now - self._measured > (_LOOKS if self._watch.memory is not None else 1.0):
            self._measured = now
            self._watch.measure(self._server.pid)
        if excess := self._watch.excess(now):
            self._stop(excess)

    def _stop(self, why: Stopped) -> None:
        if self._stopped:
            return
        self._stopped = why
        if why == "time":
            with suppress(OSError):
                os.kill(self._pid, DUMP)
            time.sleep(_DUMPS)
        self._kill()
        self._gone_by = time.monotonic() + _ENDS

    def _kill(self) -> None:
        """End it, and whatever is of its group; the server ends what else it has started."""
        for kill in (os.killpg, os.kill):  # it has no group of its own yet, in its first moment
            with suppress(OSError):
                kill(self._pid, signal.SIGKILL)
