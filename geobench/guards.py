"""What code of strangers may not change of this process while it is loaded: it is put back."""

import builtins
import gc
import importlib
import io
import json
import locale
import logging
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType, ModuleType
from typing import Any, final

import numpy as np

from geobench import random_states
from geobench.asides import Aside

_WATCHED: tuple[ModuleType, ...] = (
    *(sys, os, io, json, time, signal, threading, logging, warnings, importlib, np),
)
"""Beside builtins and geobench's own: the modules whose names every command relies on."""


@final
@dataclass(slots=True)
class Told:
    """What was seen of code while it was loaded.

    Args:
        changed: what of the process it changed, and what was put back.
        lasting: what it changed and cannot be put back.
        printed: the beginning of what it printed.
        bytes_printed: how long all of that is.
        interrupted: a SIGINT came: Ctrl-C, unless the code sent it.
    """

    changed: list[str] = field(default_factory=list)
    lasting: list[str] = field(default_factory=list)
    printed: str = ""
    bytes_printed: int = 0
    interrupted: bool = False


@contextmanager
def guarded(told: Told) -> Iterator[None]:
    """In this block code may import and add; what it changes of the process is put back.

    What it prints, from C too, goes to a file, and what it would read is empty. It runs in the
    process all the same: this is a guard against accidents and bad manners, no sandbox.

    Args:
        told: what was seen is noted here, when the block ends.
    """
    own = os.getpid()
    aside = Aside()
    with warnings.catch_warnings(), random_states.kept(), _interruptible(told):
        process = _Process()
        aside.begin()
        names = _Names()
        try:
            yield
        finally:
            told.changed += names.put_back()  # first: what follows is written with them
            if os.getpid() != own:  # a fork of this process, which nobody waits for
                os._exit(0)
            try:
                told.changed += aside.end()
            except OSError:
                told.lasting.append("open files of the process")
            told.printed, told.bytes_printed = aside.text, aside.size
            process.put_back(told)
    warnings.filters[:0] = process.filters  # type: ignore[index]  # typed as read alone


@contextmanager
def _interruptible(told: Told) -> Iterator[None]:
    """Tell Ctrl-C from a KeyboardInterrupt that code raises."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def note(number: int, frame: FrameType | None) -> None:
        told.interrupted = True
        if callable(before):
            before(number, frame)
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    if before in (signal.SIG_IGN, None):  # a job in the background
        yield
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _relied_on(module: ModuleType) -> dict[str, Any]:
    """The names of a module that code relies on; its variables are its own: `time.tzname`."""
    names = dict(module.__dict__)
    if module in (sys, os):
        return names
    return {name: value for name, value in names.items() if callable(value)}


@final
class _Names:
    """The names of modules, as they were: what code adds stays, what it replaces comes back."""

    def __init__(self) -> None:
        own = [each for name, each in sys.modules.items() if name.partition(".")[0] == "geobench"]
        watched = [*_WATCHED, *(each for each in own if isinstance(each, ModuleType))]
        self._builtins = dict(builtins.__dict__)
        self._of_modules = [(each.__name__, each.__dict__, _relied_on(each)) for each in watched]
        self._modules, self._all_modules = sys.modules, dict(sys.modules)
        # Bound now: nothing that is looked up by name can be relied on before it is put back.
        self._there = builtins.__dict__
        self._mend = self._there.update

    def put_back(self) -> list[str]:
        """Put them back; returns those that had been replaced."""
        there, missing = self._there.copy(), object
        self._mend(self._builtins)
        changed = [
            f"builtins.{name}"
            for name, value in self._builtins.items()
            # An interpreter keeps its last value there.
            if there.get(name, missing) is not value and name != "_"
        ]
        for module, now, before in self._of_modules:
            for name, value in before.items():
                if now.get(name, missing) is not value:
                    changed.append(f"{module}.{name}")
                    now[name] = value
        for name, value in self._all_modules.items():
            if self._modules.get(name, missing) is not value:
                changed.append(f"sys.modules[{name!r}]")
                self._modules[name] = value
        return changed


@final
@dataclass(frozen=True, slots=True)
class _Setting:
    """Something of the process that is read and written by functions."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], Any]


def _umask() -> int:
    mask = os.umask(0o77)
    os.umask(mask)
    return mask


def _set_collection(on: bool) -> None:
    (gc.enable if on else gc.disable)()


def _timers() -> dict[int, bool]:
    kinds = [signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF]
    return {kind: signal.getitimer(kind)[0] > 0 for kind in kinds}


def _stop_timers(running: dict[int, bool]) -> None:
    for kind, was_running in running.items():
        if not was_running:
            signal.setitimer(kind, 0)


def _handlers() -> dict[int, Any]:
    return {number: signal.getsignal(number) for number in signal.valid_signals()}


def _set_handlers(before: dict[int, Any]) -> None:
    for number, handler in before.items():
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def _loggers() -> dict[str, tuple[Any, ...]]:
    """The state of the root logger and of geobench's: level, switches, handlers, filters."""
    names = [n for n in logging.root.manager.loggerDict if n.partition(".")[0] == "geobench"]
    found = {"": logging.root, **{name: logging.getLogger(name) for name in names}}
    return {
        name: (each.level, each.disabled, each.propagate, [*each.handlers], [*each.filters])
        for name, each in found.items()
    }


def _set_loggers(before: dict[str, tuple[Any, ...]]) -> None:
    for name, (level, disabled, propagate, handlers, filters) in before.items():
        logger = logging.getLogger(name) if name else logging.root
        logger.setLevel(level)
        logger.disabled, logger.propagate = disabled, propagate
        logger.handlers[:], logger.filters[:] = handlers, filters


def _environment() -> dict[str, str]:
    return dict(os.environ)


_SETTINGS = [
    _Setting("the working folder", os.getcwd, os.chdir),
    _Setting("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    _Setting("numpy's error state", np.geterr, lambda state: np.seterr(**state)),
    _Setting("the trace function", sys.gettrace, sys.settrace),
    _Setting("the profile function", sys.getprofile, sys.setprofile),
    _Setting("the switch interval", sys.getswitchinterval, sys.setswitchinterval),
    _Setting("garbage collection", gc.isenabled, _set_collection),
    _Setting("the umask", _umask, os.umask),
    _Setting(
        "the locale",
        lambda: locale.setlocale(locale.LC_ALL),
        lambda name: locale.setlocale(locale.LC_ALL, name),
    ),
    _Setting("logging", _loggers, _set_loggers),
    _Setting("disabled logging", lambda: logging.root.manager.disable, logging.disable),
]
_OF_THE_MAIN_THREAD = [_Setting("handlers of signals", _handlers, _set_handlers)]
if hasattr(signal, "setitimer"):
    _OF_THE_MAIN_THREAD += [
        _Setting("timers", _timers, _stop_timers),
        _Setting(
            "blocked signals",
            lambda: signal.pthread_sigmask(signal.SIG_BLOCK, []),
            lambda mask: signal.pthread_sigmask(signal.SIG_SETMASK, mask),
        ),
    ]


def _limits() -> list[_Setting]:
    try:
        import resource
    except ImportError:  # not on Windows
        return []
    return [
        _Setting(
            f"the limit {name}",
            lambda number=number: resource.getrlimit(number),  # type: ignore[misc]
            lambda limit, number=number: resource.setrlimit(number, limit),  # type: ignore[misc]
        )
        for name, number in vars(resource).items()
        if name.startswith("RLIMIT_")
    ]


def _is_still(setting: _Setting, before: Any) -> bool:
    try:
        return bool(setting.read() == before)
    except BaseException:  # a handler of theirs is compared as they like
        return False


@final
class _Process:
    """Settings of the process and its search paths, as they were."""

    def __init__(self) -> None:
        main = threading.current_thread() is threading.main_thread()
        settings = [*_SETTINGS, *_limits(), *(_OF_THE_MAIN_THREAD if main else [])]
        self._settings: list[tuple[_Setting, Any]] = []
        for each in settings:
            with suppress(OSError, ValueError):  # a folder that was removed, a limit of others
                self._settings.append((each, each.read()))
        self._filters, self.filters = [*warnings.filters], list[Any]()
        self._environment = _environment()
        paths: dict[str, list[Any]] = {"sys.path": sys.path, "sys.meta_path": sys.meta_path}
        paths["sys.path_hooks"] = sys.path_hooks
        self._paths = [(name, path, [*path]) for name, path in paths.items()]

    def put_back(self, told: Told) -> None:
        """Put them back, and note what was changed."""
        for setting, before in self._settings:
            if _is_still(setting, before):
                continue
            told.changed.append(setting.name)
            try:
                setting.write(before)
            except (OSError, ValueError, RecursionError):
                told.lasting.append(setting.name)
        # A new place is searched after all others, so that it hides nothing that is installed.
        for name, path, before in self._paths:
            added = [each for each in path if all(each is not other for other in before)]
            if name == "sys.path":
                added = [each for each in added if type(each) is str]
            if [id(each) for each in path] != [id(each) for each in (*before, *added)]:
                told.changed.append(f"the order of {name}")
            path[:] = [*before, *added]
        now = _environment()
        for name, value in self._environment.items():
            if now.get(name) != value:
                told.changed.append(f"the environment variable {name}")
                os.environ[name] = value
        added = [each for each in warnings.filters if each not in self._filters]
        if any(action == "error" for action, *_ in added):
            told.changed.append("warnings.filters")
        else:
            self.filters = added
