"""An isolated cell: what becomes of a fresh fork that does one training and says how it goes.

It says so in lines of JSON down a pipe: whoever reads them need not trust what the method does.
"""

import faulthandler
import io
import json
import logging
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NoReturn, final

from geobench import digests, drafts
from geobench.components import Component
from geobench.errors import LONGEST, DeadlineError, said_by, storable, traced
from geobench.features.sharing import Shared
from geobench.methods import Method
from geobench.run.execution import Execution, Options, Reporter
from geobench.run.plan import Plan, Training

DUMP = signal.SIGUSR2
"""At this signal a cell writes down where in the code it is."""
MOST_STEPS = 1_000_000
"""Steps of progress that one message tells of, at most."""
CUT = 70
"""The exit code of a cell whose pipe was closed."""
_OF_WORKERS = {"say", "log", "bar"}  # what a worker may have to say, and need not
_EVERY = 0.1  # seconds between two messages about the same progress


@final
@dataclass(frozen=True, slots=True)
class Job:
    """What a cell is sent.

    Args:
        shared: the plan without its methods, and what trainings name of it, see `Shares`.
        training: pickled, see `pickled`.
        options: what the flags say.
        made_with: what its records say of the code.
        digests: of files, as the run has read them.
        signature: of its drafts.
        environment: the variables.
        folder: the working folder.
        path: where modules are looked for.
        dump: the file that it writes to when it crashes.
        levels: logger -> the level from which on it is heard.
    """

    shared: Shared
    training: bytes
    options: Options
    made_with: dict[str, Any]
    digests: dict[Any, str]
    signature: str
    environment: dict[str, str]
    folder: str
    path: list[str]
    dump: str
    levels: dict[str, int]


@final
@dataclass(frozen=True, slots=True)
class Shares:
    """What all cells of a run are sent once.

    Args:
        plan: without methods.
        named: what trainings name of it: splits and what these drew.
    """

    plan: Plan
    named: list[Any]


@final
class _Pickler(pickle.Pickler):
    """Names what is shared by its number."""

    def __init__(self, stream: io.BytesIO, shares: Shares) -> None:
        super().__init__(stream, protocol=5)
        self._numbers = {id(each): number for number, each in enumerate(shares.named)}

    def persistent_id(self, value: Any) -> int | None:
        return self._numbers.get(id(value))


@final
class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, shares: Shares) -> None:
        super().__init__(stream)
        self._named = shares.named

    def persistent_load(self, number: Any) -> Any:
        return self._named[number]


def pickled(training: Training, shares: Shares) -> bytes:
    """A training without what is shared."""
    stream = io.BytesIO()
    _Pickler(stream, shares).dump(training)
    return stream.getvalue()


@final
class Wire:
    """The pipe by which a cell says how it goes.

    Args:
        descriptor: where it is written.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._known = self._what()
        self._process = os.getpid()
        self._lock = threading.Lock()

    @property
    def copied(self) -> bool:
        """Whether this is a process that the method has forked: a worker of its own, say."""
        return os.getpid() != self._process

    def send(self, **message: Any) -> None:
        """Say something; a cell that nobody hears any more ends here."""
        if self.copied:  # its lines would get between those of the cell
            if not _OF_WORKERS & set(message):
                os._exit(0)
            return
        line = json.dumps(message).encode() + b"\n"
        with self._lock:
            # A method that closes all files may have opened others under this number since: a
            # state, say, which this line would damage.
            if self._what() != self._known:
                os._exit(CUT)
            try:
                while line:
                    line = line[os.write(self._descriptor, line) :]
            except OSError:
                os._exit(CUT)

    def _what(self) -> tuple[int, int] | None:
        try:
            found = os.fstat(self._descriptor)
        except OSError:
            return None
        return found.st_dev, found.st_ino


@final
class _Told(Reporter):
    """Tells whoever watches what a training tells."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._bars = 0

    def say(self, text: str) -> None:
        self._wire.send(say=storable(str(text), 5 * LONGEST))

    def stage(self, what: str, until: float | None) -> None:
        self._wire.send(stage=what, until=until)

    def track(self, items: Iterable[Any], total: int | None, what: str) -> Iterator[Any]:
        self._bars += 1
        bar, done, last = self._bars, 0, time.monotonic()
        shown = total if isinstance(total, int) else None
        self._wire.send(bar=bar, what=storable(str(what), LONGEST), total=shown)
        try:
            for item in items:
                yield item
                done += 1
                if time.monotonic() - last > _EVERY:
                    last = time.monotonic()
                    self._wire.send(bar=bar, steps=min(done, MOST_STEPS))
                    done -= min(done, MOST_STEPS)
        finally:
            self._wire.send(bar=bar, ends=True)


@final
class _Heard(logging.Handler):
    """Tells whoever watches what loggers say."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
            if record.exc_info and record.exc_info[1]:
                text += "\n" + traced(record.exc_info[1])
        except Exception as error:
            text = f"(what is logged cannot be had: {said_by(error)})"
        text = storable(text, 5 * LONGEST)
        if self._wire.copied:
            sys.stderr.write(f"{text}\n")
            return
        self._wire.send(log=str(record.name)[:200], level=int(record.levelno), text=text)


def live(job: int, wire: int, printed: int) -> NoReturn:
    """Do a training in this process, a fresh fork, and end it.

    Args:
        job: a file that holds a pickled `Job`.
        wire: the pipe on which it is told how it goes.
        printed: the pipe for whatever is printed.
    """
    os.setsid()  # a Ctrl-C goes to the run, which decides
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (printed, 1), (printed, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(printed)
    sys.stdout, sys.stderr = _stream(1), _stream(2)
    told = Wire(wire)
    try:
        told.send(done=_work(job, told))
    except BaseException as error:
        late = isinstance(error, DeadlineError)
        told.send(failed=said_by(error), late=late, traceback=traced(error))
    with suppress(BaseException):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(0)  # no thread, and nothing that the method wants done at the end, holds it up


def _stream(descriptor: int) -> io.TextIOWrapper:
    binary = os.fdopen(descriptor, "wb", closefd=False)
    return io.TextIOWrapper(binary, errors="backslashreplace", line_buffering=True)


def _work(descriptor: int, told: Wire) -> str:
    with open(descriptor, "rb") as stream:
        # Not its own position: all cells share that of a file that each inherits.
        job: Job = pickle.loads(os.pread(stream.fileno(), os.fstat(stream.fileno()).st_size, 0))
    os.environ.clear()
    os.environ.update(job.environment)
    os.chdir(job.folder)
    sys.path[:] = job.path
    drafts.sign(job.signature)
    digests.known_files.update(job.digests)
    # It stays open, for a crash.
    dump = open(job.dump, "w")  # noqa: SIM115
    faulthandler.enable(dump)
    faulthandler.register(DUMP, dump)
    logging.getLogger().handlers[:] = [_Heard(told)]
    for name, level in job.levels.items():
        logging.getLogger(name).setLevel(level)
    shares: Shares = job.shared.restored()
    training: Training = _Unpickler(io.BytesIO(job.training), shares).load()
    method: Component[Method] = training.method
    benchmark = shares.plan.benchmark.model_copy(update={"methods": [method]})
    made_with = {method.label: job.made_with}
    planned = replace(shares.plan, benchmark=benchmark, made_with=made_with)
    drafts.protect(planned.workspace.hidden, planned.workspace.boards)
    return Execution(planned, job.options, _Told(told)).work(training)
