"""The probe: a process that imports plugins nobody has tried yet, each in a fork, and tells.

It is started with what to try on its standard input, and writes one file per distribution. Nothing
that a plugin does there, hanging and dying included, happens to the process that asks.
"""

import collections.abc
import json
import os
import select
import signal
import sys
import threading
import time
from abc import ABCMeta
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, final

from geobench.guards import Told, guarded
from geobench.hookspecs import ENTRY_POINT_GROUP
from geobench.loading import bring, look_at

SECONDS = 20.0
"""How long a distribution's plugins may take to load, and the process afterwards to end."""
ENDING = 5.0
"""How long of this the process may take to end, once they are loaded."""
READY = "ready"
"""The file that says that the probe itself works."""

_PRINTED = 16 * 2**20
"""Bytes that plugins may print, or write into a file, while they are loaded."""
_MEMORY = 16 * 2**30
"""Bytes of memory that they may take."""
_LOOKED = 0.3
"""Seconds for which threads that were left behind are watched."""
_BUSY = 0.15
"""Share of a processor from which on such threads are at work, on a machine with others, too."""


@final
@dataclass(slots=True)
class _Trial:
    """A fork at work: its result appears in a file, and `pipe` ends with the last of its forks."""

    pid: int
    begun: float
    pipe: int
    result: Path
    loaded: float | None = None


def serve(task: dict[str, Any]) -> None:
    """Try each distribution, as `probes` asks: those of `task`, a few at a time.

    Args:
        task: `distributions`, number -> its entry points as pairs of name and value; `folder`, for
            the results; `seconds` for each.
    """
    folder, waiting = Path(task["folder"]), dict(task["distributions"])
    (folder / READY).touch()
    if not hasattr(os, "fork"):
        ((number, entries),) = waiting.items()
        try_out(entries, folder / number)
        return
    running: dict[str, _Trial] = {}
    signal.signal(signal.SIGTERM, lambda *_: _leave(running))
    while waiting or running:
        while waiting and len(running) < max(2, os.cpu_count() or 1):
            number = next(iter(waiting))
            trial = _begin(waiting.pop(number), folder / number)
            if trial is None:
                return  # this is the fork, which ends as every process does
            running[number] = trial
        for number, trial in [*running.items()]:
            if (reason := _verdict(trial, task["seconds"])) is not None:
                del running[number]
                trial.result.with_suffix(".verdict").write_text(json.dumps(reason), "utf-8")
        time.sleep(0.01)


def _begin(entries: Sequence[Sequence[str]], result: Path) -> _Trial | None:
    """Start a fork; returns None in the fork itself, once it has tried them."""
    pipe, held = os.pipe()
    pid = os.fork()
    if pid:
        os.close(held)
        return _Trial(pid, time.monotonic(), pipe, result)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setsid()
    os.close(pipe)  # what it forks in turn holds the other end
    _limit()
    try_out(entries, result)
    return None


def _limit() -> None:
    import resource

    for kind, most in (
        (resource.RLIMIT_FSIZE, _PRINTED),
        (resource.RLIMIT_DATA, _MEMORY),
        # Should the probe itself be killed, no endless loop is left behind.
        (resource.RLIMIT_CPU, int(SECONDS) + 10),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(OSError, ValueError):
            hard = resource.getrlimit(kind)[1]
            low = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (low, hard))


def _leave(running: dict[str, _Trial]) -> None:
    for trial in running.values():
        _kill(trial)
    os._exit(1)


def _kill(trial: _Trial) -> None:
    for kill in (os.killpg, os.kill):
        with suppress(OSError):
            kill(trial.pid, signal.SIGKILL)


def _verdict(trial: _Trial, seconds: float) -> str | None:
    """What became of a fork: "" if all was well, else what it did; None while it is at work."""
    now = time.monotonic()
    if trial.loaded is None and trial.result.exists():
        trial.loaded = now
    ended, status = os.waitpid(trial.pid, os.WNOHANG)
    late = now - trial.begun > seconds
    late |= trial.loaded is not None and now - trial.loaded > min(ENDING, seconds)
    if not ended and not late:
        return None
    left = bool(ended) and not select.select([trial.pipe], [], [], 1.0)[0]
    os.close(trial.pipe)
    _kill(trial)
    if not ended:
        os.waitpid(trial.pid, 0)
    code = os.waitstatus_to_exitcode(status) if ended else None
    return judge(trial.result, code, seconds) or (
        "it leaves a copy of the process behind" if left else ""
    )


def judge(result: Path, code: int | None, seconds: float) -> str:
    """What a process did that tried plugins: "" if all was well.

    Args:
        result: the file that it may have written.
        code: its exit code, negative for a signal; None if it had not ended.
        seconds: that it had.
    """
    try:
        found = json.loads(result.read_text("utf-8"))
        said, threads = str(found["reason"]), ", ".join(map(str, found["threads"]))
    except (OSError, ValueError, KeyError, TypeError):
        if code is None:
            return f"its import does not end within {seconds:g} s"
        return f"its import ends the process ({_ending(code)})"
    if said:
        return said
    if code is None and threads:
        return f"it leaves a thread that keeps the process from ending ({threads})"
    if code is None:
        return "it keeps the process from ending"
    return f"it changes how the process ends ({_ending(code)})" if code else ""


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {-code}, {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def try_out(entries: Sequence[Sequence[str]], result: Path) -> None:
    """Load entry points here, and write what they did to the process that is no mere fault."""
    told, exhausted, before = Told(), False, set(sys._current_frames())
    bases = _answering()
    for name, value in entries:
        entry = EntryPoint(name, value, ENTRY_POINT_GROUP)
        with suppress(BaseException), guarded(told):
            brought = bring(entry)
            exhausted |= brought.exhausted
            for plugin in brought.classes:
                look_at(plugin)
    if exhausted:
        reason = "it takes more memory than there is"
    elif told.bytes_printed >= _PRINTED // 2:
        reason = "it prints without end"
    elif told.interrupted:
        reason = "it sends the signal of Ctrl-C"
    elif raised := next(filter(None, map(_raised_by, bases)), ""):
        reason = f"its classes raise {raised} where it is asked whether something else is a plugin"
    elif told.lasting:
        reason = f"it changes {', '.join(told.lasting)}, which cannot be put back"
    else:
        reason = _restless(set(sys._current_frames()) - before)
    main = threading.main_thread()
    left = [each for each in threading.enumerate() if not each.daemon and each is not main]
    content = {"reason": reason, "threads": [str(each.name)[:80] for each in left[:5]]}
    draft = result.with_suffix(".draft")
    draft.write_text(json.dumps(content), "utf-8")
    draft.replace(result)


def _answering() -> list[type]:
    """The abstract classes, geobench's and Python's, that can be asked whether a stranger is one.

    They ask all of their subclasses, those of plugins too.
    """
    own = [each for name, each in [*sys.modules.items()] if name.partition(".")[0] == "geobench"]
    found = {id(v): v for each in own for v in vars(each).values() if isinstance(v, ABCMeta)}
    found |= {id(each): each for each in vars(collections.abc).values() if type(each) is ABCMeta}
    return [each for each in found.values() if not _raised_by(each)]


def _raised_by(base: type) -> str:
    try:
        issubclass(type("Stranger", (), {}), base)
    except BaseException as error:
        return type(error).__name__
    return ""


def _restless(threads: set[int]) -> str:
    """What threads that were left behind do, if it is felt by every command."""
    if not threads:
        return ""
    told, begun = Told(), time.process_time()
    with guarded(told):
        time.sleep(_LOOKED)
    if told.bytes_printed:
        return "it leaves a thread that goes on printing"
    if time.process_time() - begun > _BUSY * _LOOKED:
        return "it leaves a thread that goes on working"
    return ""
