"""An entry that names a component -> the component, by the same rules wherever it is written."""

from collections.abc import Mapping as Lookup
from functools import partial
from typing import Any, NamedTuple, TypeVar, final

from pydantic import BaseModel, ValidationError

from geobench.catalogue import installed
from geobench.components import STORED_PATH, Plugin
from geobench.config.faults import first_fault
from geobench.config.origins import RESERVED, Default, Origin
from geobench.errors import ConfigError, PluginError, storable
from geobench.names import CEILING, LABEL, did_you_mean
from geobench.requirements import check_requirements

_SHOWN = 100  # characters of a value in a message

M = TypeVar("M", bound=BaseModel)


@final
class Configured(NamedTuple):
    """What an entry asks for."""

    plugin: Plugin
    label: str


def configure(wanted: type[Plugin], entry: Lookup[str, Any], *, origin: Origin) -> Configured:
    """The plugin that an entry asks for, configured, and its label.

    Args:
        wanted: its base class: Method, Split, ...
        entry: `name`, perhaps `preset` and `label`, and the plugin's own configuration.
        origin: where the entry is written.

    Raises:
        ConfigError: no plugin, preset, key or label is so called, or a value does not fit: one
            sentence that says where, with the nearest names.
        PluginError: a package is absent that must be there at once.
    """
    try:
        plugin = origin.catalogue.find(wanted.kind, entry["name"])
    except PluginError as error:
        where = origin.where(entry, ("name",))
        problem = storable(error.problem, 4 * _SHOWN)  # it has the name as it is written
        raise ConfigError(problem, where=where, remedy=error.remedy) from None
    if origin.at_once:
        check_requirements(plugin)
    config = validated(
        plugin.Config,
        origin.own(entry),
        preset=_preset(plugin, entry, origin),
        what=f"{wanted.kind} {plugin.name}",
        entry=entry,
        origin=origin,
        reserved=RESERVED,
    )
    return Configured(plugin(config), _label(plugin, entry, origin))


def _preset(plugin: type[Plugin], entry: Lookup[str, Any], origin: Origin) -> Lookup[str, Any]:
    if "preset" not in entry:
        return {}
    preset = entry["preset"]
    if not isinstance(preset, str) or preset not in plugin.presets:
        raise ConfigError(
            f"{plugin.name} has no preset {storable(repr(preset), _SHOWN)}",
            where=origin.where(entry, ("preset",)),
            remedy=did_you_mean(preset, plugin.presets),
        )
    return plugin.presets[preset]


def _label(plugin: type[Plugin], entry: Lookup[str, Any], origin: Origin) -> str:
    label = entry.get("label", plugin.name)
    where = origin.where(entry, ("label",) if "label" in entry else ("name",))
    if not isinstance(label, str) or not LABEL.fullmatch(label):
        remedy = "Letters, digits, spaces and ._+@- are."
        problem = f"label {storable(repr(label), _SHOWN)} is no label"
        raise ConfigError(problem, where=where, remedy=remedy)
    if label == CEILING:
        problem = f"label {label!r} is that of the ceiling row"
        raise ConfigError(problem, where=where, remedy="Rename it.")
    return label


def named(wanted: type[Plugin], name: str, settings: Lookup[str, Any]) -> Plugin:
    """The installed plugin of a name, configured: what `Component.named` stands for.

    Raises:
        ConfigError: there is none, or it does not take these settings.
    """
    return configure(wanted, {**settings, "name": name}, origin=Default(installed())).plugin


def _inner(origin: Origin, wanted: type[Plugin], value: Any) -> dict[str, Any]:
    """A component that a configuration names -> its configured plugin and label."""
    entry = {"name": value} if isinstance(value, str) else value
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise ValueError(
            f"give the {wanted.kind}'s name, or a mapping with `name:` and its configuration"
        )
    try:
        return configure(wanted, entry, origin=origin)._asdict()
    except ConfigError as error:
        if error.where:
            raise
        raise ValueError(str(error)) from None  # pydantic, which called, knows the value


def validated(
    model: type[M],
    written: Lookup[str, Any],
    *,
    what: str,
    entry: Lookup[str, Any],
    origin: Origin,
    preset: Lookup[str, Any] | None = None,
    reserved: tuple[str, ...] = (),
) -> M:
    """What is written, as a model; the first fault becomes one sentence that says where.

    Args:
        model: a plugin's Config, or that of a whole file.
        written: its keys and values.
        what: the model is of, as in "split random"; errors begin with it.
        entry: what holds `written`, as the origin knows it.
        origin: where the entry is written.
        preset: keys and values that stand unless others are written.
        reserved: keys of the entry that are not the model's.

    Raises:
        ConfigError: a key is unknown or missing, or a value does not fit.
    """
    context = {
        "folder": origin.folder,
        "resolve": partial(_inner, origin),
        "stored": origin.stored,
        **({} if origin.paths is None else {"paths": origin.paths}),
    }
    try:
        found = model.model_validate({**(preset or {}), **written}, context=context)
    except ConfigError as error:  # of a default that names a component, say
        if error.where:
            raise
        where = origin.where(entry, ("name",) if "name" in entry else ())
        raise ConfigError(f"{what}: {error.problem}", where=where, remedy=error.remedy) from None
    except ValidationError as error:
        fault = first_fault(error, written, model=model, what=what, reserved=reserved)
        where = origin.where(entry, fault.way)
        raise ConfigError(fault.problem, where=where, remedy=fault.remedy) from None
    for name in written:
        # A field of a bare Path, which nothing looks at while it is validated.
        if not origin.may_name(getattr(found, name, None), written[name]):
            problem = f"{what}: {name} is a path, and {STORED_PATH}"
            raise ConfigError(problem, where=origin.where(entry, (name,)))
    return found
