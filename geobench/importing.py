"""What is imported of others, under guard: modules by their names, and what their classes need."""

import importlib
import importlib.util
import logging
import os
import sys
from collections.abc import Callable
from typing import TypeVar, cast

from geobench import interrupts
from geobench.components import Plugin
from geobench.errors import Interrupted, PluginError, said_by
from geobench.guards import Told, guarded
from geobench.loading import fault_of
from geobench.names import did_you_mean
from geobench.readable import in_a_line

log = logging.getLogger(__name__)

T = TypeVar("T")


def under_guard(work: Callable[[], T], culprit: str) -> T:
    """What code of others gives; what it prints and changes meanwhile is said, with its name.

    Raises:
        Exception: what it raises; a BaseException as a PluginError.
        Interrupted, KeyboardInterrupt: somebody pressed Ctrl-C, which it may have caught.
    """
    told = Told()
    try:
        with guarded(told):
            made = work()
        _heed(told)
        return made
    except Exception:
        _heed(told)
        raise
    except BaseException as error:
        _heed(told)
        raise PluginError(said_by(error)) from error
    finally:
        if told.printed:
            log.warning("%s prints while it is loaded: %s", culprit, in_a_line(told.printed, 500))
        if told.changed:
            what = in_a_line(", ".join(told.changed), 500)
            log.warning("%s changes %s while it is loaded, which was put back", culprit, what)


def _heed(told: Told) -> None:
    """Raise what a signal of somebody's raised, whatever became of it."""
    interrupts.check()
    if told.interrupted:
        raise KeyboardInterrupt


def imported(text: str) -> type[Plugin]:
    """The plugin class `package.module.Class`."""
    module, _, name = text.rpartition(".")
    _look_here(module)
    try:
        found = under_guard(lambda: importlib.import_module(module), f"module {module}")
    except Exception as error:
        absent = isinstance(error, ModuleNotFoundError) and error.name
        if absent and f"{module}.".startswith(f"{absent}."):
            remedy = "Check the spelling, or install its package."
        else:
            remedy = f"Mend what `python -c 'import {module}'` shows."
        raise PluginError(f"{module} does not import: {said_by(error)}", remedy=remedy) from error
    if name not in vars(found):
        brings = [each for each, value in vars(found).items() if not fault_of(value)]
        raise PluginError(
            f"module {module} has no {name}",
            remedy=did_you_mean(name, brings) if brings else "It has no plugin class.",
        )
    reason = fault_of(vars(found)[name])
    if reason:
        raise PluginError(reason, where=text)
    return with_its_config(cast("type[Plugin]", vars(found)[name]), f"module {module}")


def _look_here(module: str) -> None:
    """Let a module that lies in the working folder be found, if none of its name is installed.

    The folder comes last: what lies in it, which may be somebody's download, hides nothing.
    """
    here = os.getcwd()
    top = module.partition(".")[0]
    lies_here = any(os.path.exists(os.path.join(here, each)) for each in (top, f"{top}.py"))
    try:
        absent = importlib.util.find_spec(top) is None
    except (ImportError, ValueError):
        return
    if absent and lies_here and here not in sys.path:
        sys.path.append(here)


def with_its_config(plugin: type[Plugin], brought_by: str) -> type[Plugin]:
    """The class, its Config built: this waits until it is asked for (see `components.Config`)."""
    try:
        plugin.Config.model_rebuild()  # does nothing where it is built
    except BaseException as error:  # pydantic raises TypeError, too, and their code anything
        if isinstance(error, KeyboardInterrupt | Interrupted):
            raise
        raise PluginError(
            f"{plugin.kind} {plugin.name!r} of {brought_by} cannot be used: "
            f"its Config does not build: {said_by(error)}",
            remedy="Mend it, or install a version that fits this geobench.",
        ) from error
    return plugin
