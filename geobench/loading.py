"""What an entry point brings: its classes, each looked at once and believed nothing."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from itertools import islice
from typing import Any, cast, final

import pluggy

from geobench import hookspecs
from geobench.components import Config, Plugin
from geobench.data import Dataset
from geobench.encoders import Encoder
from geobench.errors import Interrupted, said_by, storable
from geobench.methods import Method, describe_stale
from geobench.metrics import Metric
from geobench.names import NAME
from geobench.readable import in_a_line
from geobench.splits import Split

KINDS: dict[str, type[Plugin]] = {
    "dataset": Dataset,
    "split": Split,
    "encoder": Encoder,
    "method": Method,
    "metric": Metric,
}

_LONGEST = 80
"""Letters of the name of a plugin, which is a part of the names of files."""
_SHOWN = 200
"""Letters that are shown of what a plugin calls itself."""
_MOST = 10_000
"""Classes that one hook may give; a generator that does not end gives more."""


@final
@dataclass(frozen=True, slots=True)
class Looks:
    """What is said of a class that nobody asked for, read once: to read it runs its code.

    Args:
        kind: "" if it is derived from none of the five.
        name: as users write it; "" if it has none.
        about: what it is, in a line.
        fault: why it is no usable plugin class, or "".
    """

    kind: str
    name: str
    about: str
    fault: str


@final
@dataclass(slots=True)
class Brought:
    """What came of an entry point.

    Args:
        classes: what its hooks gave, derived from what they promise.
        faults: what is wrong with the whole plugin, a sentence each.
        exhausted: it wanted more memory than there is.
    """

    classes: list[type[Plugin]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    exhausted: bool = False

    def fail(self, reason: str, error: BaseException) -> None:
        """Add a fault that an error told of."""
        self.faults.append(f"{reason}{said_by(error)}")
        self.exhausted |= isinstance(error, MemoryError)


def bring(entry: EntryPoint) -> Brought:
    """Import what an entry point names and call its hooks, whatever that raises."""
    found = Brought()
    manager = pluggy.PluginManager("geobench")
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(entry.load(), name=entry.name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        known = ", ".join(f"register_{kind}s" for kind in KINDS)
        found.fail("", error)
        said = found.faults[-1].removeprefix("PluginValidationError: ")
        found.faults[-1] = f"{said}. The hooks are {known}, no arguments"
        return found
    except Interrupted:  # the user's, and no fault of the plugin
        raise
    except BaseException as error:  # a plugin may raise anything, and stops nothing
        found.fail(f"{_shown(entry.value)} does not import: ", error)
        return found
    for kind in KINDS:
        _call(getattr(manager.hook, f"register_{kind}s"), kind, found)
    if not (found.classes or found.faults):
        found.faults.append("registers nothing: mark its hooks with geobench.hookimpl")
    return found


def _call(hook: Any, kind: str, found: Brought) -> None:
    """Add what one hook gives."""
    given: list[Any] = []
    try:
        for answer in hook():
            given += islice(answer, _MOST + 1 - len(given))
    except Interrupted:
        raise
    except BaseException as error:
        found.fail(f"register_{kind}s raised ", error)
        return
    if len(given) > _MOST:
        found.faults.append(f"register_{kind}s gives over {_MOST:,} classes and does not end")
        return
    for plugin in given:
        if _derived(plugin, KINDS[kind]):
            found.classes.append(plugin)
        else:
            what = f"<class '{_full_name(plugin)}'>" if _bases(plugin) else f"a {_type(plugin)}"
            found.faults.append(
                f"register_{kind}s gives {what}, which is no subclass "
                f"of geobench.{KINDS[kind].__name__}"
            )


def fault_of(plugin: Any) -> str:
    """Why this is no usable plugin class, or ""."""
    return look_at(plugin).fault


def look_at(plugin: Any) -> Looks:
    """What a class says of itself, and whether it is what it says, whatever that raises."""
    kind = next((kind for kind, base in KINDS.items() if _derived(plugin, base)), "")
    if not kind:
        what = "class" if _bases(plugin) else _type(plugin)
        bases = ", ".join(f"geobench.{base.__name__}" for base in KINDS.values())
        problem = f"{what} {_called(plugin)} is no plugin: name a class derived from one of {bases}"
        return Looks("", "", "", problem)
    name = ""
    try:
        declared = plugin.name if "name" in dir(plugin) else None
        # A child of str may compare and hash as it likes.
        name = str.__str__(declared) if type(declared) is str else ""
        fault = _fault(plugin, kind, declared)
        about = "" if fault else in_a_line(str.__str__(plugin.describe()), 20 * _SHOWN)
    except BaseException as error:
        fault = f"class {_called(plugin)} cannot be looked at: {said_by(error)}"
        about = ""
    return Looks(kind, name, about, fault)


def _fault(plugin: type[Plugin], kind: str, name: Any) -> str:
    own = f"class {_called(plugin)}"
    if type(name) is not str:
        return f"{own} has no name: give it one, such as name = 'nearest-town'"
    if len(name) > _LONGEST:
        return f"{own}: its name has {len(name)} letters, and {_LONGEST} are the most"
    if not NAME.fullmatch(name):
        return f"{own} is named {name!r}: use lower case, words joined by hyphens"
    if type(plugin.kind) is not str or plugin.kind != kind:
        return f"{own}: its kind is {kind}, and is not to be overridden"
    if type(plugin.__module__) is not str or type(plugin.__qualname__) is not str:
        return f"{own} does not say in which module it is"
    requires: Any = plugin.requires
    if type(requires) is not tuple or not all(type(each) is str and each for each in requires):
        return f"{kind} {name}: requires is no tuple of names, such as ('torch',)"
    if type(plugin.version) is not int:
        return f"{kind} {name}: its version is no whole number, such as 1"
    if kind == Method.kind and (stale := describe_stale(cast("type[Method]", plugin))):
        return stale
    lacking: frozenset[str] = getattr(plugin, "__abstractmethods__", frozenset())
    if lacking:
        return f"{kind} {name} lacks {', '.join(sorted(lacking))}"
    if not _derived(plugin.Config, Config):
        return f"{kind} {name}: its Config is no geobench.Config"
    return ""


# What a class is, is asked of `type` itself: its metaclass may answer otherwise, or raise.
_MRO = type.__dict__["__mro__"].__get__
_QUALIFIED = type.__dict__["__qualname__"].__get__
_MODULE = type.__dict__["__module__"].__get__


def _bases(value: Any) -> Iterable[type]:
    """A class and its bases; nothing of what is no class."""
    is_class = any(each is type for each in _MRO(type(value)))
    return cast("Iterable[type]", _MRO(value)) if is_class else ()


def _derived(value: Any, base: type) -> bool:
    return any(each is base for each in _bases(value))


def _type(value: Any) -> str:
    return _shown(_QUALIFIED(type(value)))


def _called(value: Any) -> str:
    """What a class or a function is called; of anything else what it is."""
    if _bases(value):
        return _shown(_QUALIFIED(value))
    try:
        return _shown(getattr(value, "__qualname__", None) or repr(value))
    except BaseException as error:
        return f"(whose text raises {_type(error)})"


def _full_name(value: type) -> str:
    return f"{_shown(_MODULE(value))}.{_shown(_QUALIFIED(value))}"


def _shown(text: Any) -> str:
    return in_a_line(storable(str(text), _SHOWN), _SHOWN)
