"""Which settings to try: a YAML file with values for the keys of a method, and a budget."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, final

import numpy as np
from pydantic import BaseModel, Field, field_validator, model_validator

from geobench import Config, ConfigError, InputPath, Method, config
from geobench.catalogue import Catalogue
from geobench.components import Component
from geobench.config import yaml_lines
from geobench.config.benchmark import Benchmark
from geobench.config.configure import configure, validated
from geobench.config.origins import YamlFile
from geobench.names import did_you_mean
from geobench_basics.splits.inside import InsideSplit

BASE = "base"
"""The label of what all settings have in common, tried as it is."""


@final
class Range(Config):
    """Values between two, both included."""

    low: float
    high: float
    count: int = Field(ge=2)
    scale: Literal["linear", "log"] = "linear"

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        return dict(value) if isinstance(value, Mapping) else value

    @model_validator(mode="after")
    def _proper(self) -> "Range":
        if self.low >= self.high or (self.scale == "log" and self.low <= 0):
            raise ValueError("give low < high, and above 0 on a scale of logarithms")
        return self

    @property
    def values(self) -> list[float]:
        """The values, three significant digits of those between low and high."""
        spaced = np.geomspace if self.scale == "log" else np.linspace
        inner = [float(f"{value:.3g}") for value in spaced(self.low, self.high, self.count)[1:-1]]
        return list(dict.fromkeys([self.low, *inner, self.high]))


def _values(given: Any) -> list[Any]:
    """A list as it is, a range as its values; whole numbers where its ends are."""
    if not isinstance(given, Mapping):
        return list(given) if isinstance(given, list) and given else [_refuse(given)]
    found = Range.model_validate(given).values
    whole = isinstance(given["low"], int) and isinstance(given["high"], int)
    return list(dict.fromkeys(round(value) for value in found)) if whole else found


def _refuse(given: Any) -> Any:
    raise ValueError(f"{given!r} is neither a list of values nor a range with low, high and count")


@final
class Search(Config):
    """A file of settings: docs/benchmarks.md explains every key."""

    benchmark: InputPath
    name: str | None = None
    method: str
    base: dict[str, Any] = {}
    settings: dict[str, list[Any]] = Field(min_length=1)
    budget: int = Field(24, ge=1, strict=True)
    seed: int = Field(0, ge=0, strict=True)
    train_shares: Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=1)] = [
        1.0,
        0.5,
    ]

    @field_validator("settings", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        return {key: _values(values) for key, values in given.items()}

    @property
    def grid(self) -> int:
        """How many settings there are."""
        return math.prod(len(values) for values in self.settings.values())

    def drawn(self) -> dict[int, dict[str, Any]]:
        """The settings to try, by their number in the grid: all, or as many as the budget allows.

        A larger budget tries all that a smaller one does.
        """
        sizes = [len(values) for values in self.settings.values()]
        chosen = range(self.grid) if self.grid <= self.budget else self._some()
        return {
            number + 1: {
                key: self.settings[key][int(i)]
                for key, i in zip(self.settings, np.unravel_index(number, sizes), strict=True)
            }
            for number in chosen
        }

    def _some(self) -> list[int]:
        rng = np.random.default_rng(self.seed)
        found: set[int] = set()
        while len(found) < self.budget:
            found.add(int(rng.integers(self.grid)))
        return sorted(found)


@final
@dataclass(frozen=True)
class Trial:
    """What a search runs.

    Args:
        search: the file.
        benchmark: each setting a method, each split once per share.
        settings: label -> the values of the keys that are searched; those of `base` are what the
            method has by itself.
    """

    search: Search
    benchmark: Benchmark
    settings: dict[str, dict[str, Any]]


def read(path: Path, catalogue: Catalogue, *, budget: int | None = None) -> Trial:
    """The trial that a file of settings asks for.

    Args:
        path: the YAML file.
        catalogue: where plugins come from.
        budget: of settings, instead of the file's.

    Raises:
        ConfigError: names the file and the line; a split is not `inside`, or a setting is none.
    """
    tree = yaml_lines.read(path)
    if not isinstance(tree, yaml_lines.Mapping):
        raise ConfigError("the file is no mapping", where=f"{path}:1", remedy="See --help.")
    given = dict(tree) | ({} if budget is None else {"budget": budget})
    origin = YamlFile(path, catalogue)
    search = validated(Search, given, what="the file", entry=tree, origin=origin)
    benchmark = _benchmark(search, path, tree, catalogue)
    given = {BASE: {}} | {f"setting-{number}": each for number, each in search.drawn().items()}
    methods = [_method(search, path, tree, catalogue, *each) for each in given.items()]
    splits = [_shared(s, share) for s in benchmark.splits for share in search.train_shares]
    stem = "".join(c if c.isalnum() and c.isascii() else "-" for c in path.stem.lower())
    changed = {"name": f"{benchmark.name}-{stem.strip('-')}", "methods": methods, "splits": splits}
    alone = {key: getattr(methods[0].plugin.config, key) for key in search.settings}
    return Trial(search, benchmark.model_copy(update=changed), given | {BASE: alone})


def _benchmark(
    search: Search, path: Path, tree: yaml_lines.Mapping, catalogue: Catalogue
) -> Benchmark:
    found = {each.name: each for each in config.read(search.benchmark, catalogue)}
    if search.name not in found and (search.name is not None or len(found) > 1):
        raise ConfigError(
            f"name: {search.name} is no benchmark of {search.benchmark.name}",
            where=f"{path}:{tree.lines.get('name', tree.lines['benchmark'])}",
            remedy=did_you_mean(search.name, found),
        )
    benchmark = found[search.name] if search.name is not None else next(iter(found.values()))
    for split in benchmark.splits:
        if not isinstance(split.plugin, InsideSplit):
            raise ConfigError(
                f"the split {split.label} of {benchmark.name} is not `inside`: settings would be "
                "chosen on photos that a board may test",
                where=f"{path}:{tree.lines['benchmark']}",
                remedy="Put it under `split` of an `inside`, whose `outer` are the boards' splits.",
            )
    return benchmark


def _method(
    search: Search,
    path: Path,
    tree: yaml_lines.Mapping,
    catalogue: Catalogue,
    label: str,
    values: dict[str, Any],
) -> Component[Any]:
    entry = yaml_lines.Mapping({**search.base, **values, "name": search.method, "label": label})
    entry.line = tree.lines["settings" if values else "method"]
    inner = {
        key: line
        for part in ("base", "settings")
        for key, line in getattr(tree.get(part), "lines", {}).items()
    }
    lines = {"name": tree.lines["method"], "label": entry.line}
    entry.lines = dict.fromkeys(entry, entry.line) | inner | lines
    found = configure(Method, entry, origin=YamlFile(path, catalogue))
    return Component[Method].of(found.plugin, label=found.label)


def _shared(split: Component[Any], share: float) -> Component[Any]:
    """The split with a share of its training photos."""
    plugin = split.plugin
    changed: BaseModel = plugin.config.model_copy(update={"train_share": share})
    return type(split).of(type(plugin)(changed), label=f"{split.label}@{share:g}")
