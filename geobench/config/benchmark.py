"""benchmarks.yaml -> Benchmark: a closed format whose errors name the file and the line."""

import difflib
import re
from collections.abc import Mapping as Lookup
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, final

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator

from geobench.catalogue import Catalogue
from geobench.components import Component, Config, Plugin, canonical
from geobench.config import yaml_lines
from geobench.config.yaml_lines import Mapping, Sequence
from geobench.data import Dataset
from geobench.digests import digest
from geobench.encoders import Encoder
from geobench.errors import ConfigError, PluginError
from geobench.methods import Method
from geobench.metrics import Metric
from geobench.names import CEILING
from geobench.predictions import Density, Prediction
from geobench.records.record import DrawRule
from geobench.splits import Split

RESERVED = ("name", "label", "preset")
"""Keys of a component that are not its own configuration."""

_NAME = r"[a-z0-9]+(-[a-z0-9]+)*"
_LABEL = r"[A-Za-z0-9][A-Za-z0-9 ._+@-]*"


@final
class Benchmark(Config):
    """One entry of benchmarks.yaml, with every component configured."""

    unkeyed = frozenset({"deadline"})

    name: str
    """Names the folder leaderboards/<name>."""
    dataset: Component[Dataset]
    """What is compared on."""
    encoder: Component[Encoder] | None = None
    """The features that every method sees; may be left out when no method wants any."""
    splits: Annotated[list[Component[Split]], Field(min_length=1)]
    """How the dataset is cut into train, val and test parts."""
    methods: Annotated[list[Component[Method]], Field(min_length=1)]
    """What is compared."""
    metrics: Annotated[list[Component[Metric]], Field(min_length=1)]
    """How it is scored."""
    samples: Annotated[int, Field(ge=2, strict=True)] = 16
    """Points drawn per photo, for metrics that need a distribution."""
    photos: Annotated[int, Field(ge=1, strict=True)] | Literal["all"] = "all"
    """How many photos of each part are scored by those metrics: the smallest hashes of id."""
    density_photos: Annotated[int, Field(ge=1, strict=True)] | Literal["all"] | None = None
    """How many of those photos are scored by metrics that need a density; left out, all of them."""
    density_samples: Annotated[int, Field(ge=2, strict=True)] | None = None
    """At how many of a photo's draws those metrics see its density; left out, at all of them."""
    seeds: Annotated[list[Annotated[int, Field(ge=0, strict=True)]], Field(min_length=1)] = [0]
    """Seeds of training and sampling; each is one training."""
    chunk: Annotated[int, Field(ge=1, strict=True)] = 1024
    """Photos per call of `predict`; in the record key."""
    deadline: Annotated[float, Field(gt=0)] | None = None
    """Seconds after which a training is stopped and stores nothing; in no key."""
    on_broken: Literal["exclude", "fail"] = "exclude"
    """Photos whose pictures cannot be read are left out for all methods, or stop the run."""

    added: ClassVar[Lookup[str, Any]] = {"density_photos": None, "density_samples": None}
    """Fields that are left out of digests at these values: what was stored before there were such
    fields keeps its digest."""

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not re.fullmatch(_NAME, name):
            raise ValueError(f"{name!r} is no name. Use lower case and digits, joined by hyphens")
        return name

    @field_validator("seeds")
    @classmethod
    def _unique(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) != len(seeds):
            raise ValueError("a seed repeats")
        return seeds

    @field_validator("density_photos", "density_samples")
    @classmethod
    def _at_most(cls, value: Any, info: ValidationInfo) -> Any:
        whole = str(info.field_name).removeprefix("density_")
        most = info.data.get(whole, "all")  # absent where it is itself wrong
        if value is not None and most != "all" and (value == "all" or value > most):
            raise ValueError(
                f"{value} is more than {whole}, which is {most}. Log-densities are looked at for "
                f"some of the {whole}: give no more, or leave it out for all of them"
            )
        return value

    def draws(self, predicts: type[Prediction]) -> DrawRule:
        """The rule for a method that predicts this type, which is in its record keys.

        The numbers of densities are in it only where a density is predicted, and where they are
        others than those of draws.
        """
        rule: dict[str, Any] = {
            "chunk": self.chunk,
            "photos": self.photos,
            "samples": self.samples,
        }
        if issubclass(predicts, Density):
            if self.density_photos is not None and self.density_photos != self.photos:
                rule["density_photos"] = self.density_photos
            if self.density_samples is not None and self.density_samples != self.samples:
                rule["density_samples"] = self.density_samples
        return DrawRule.model_validate(rule)

    @property
    def resolved(self) -> dict[str, Any]:
        """The benchmark as JSON data: every component with its full configuration."""
        return self._json(keyed=False)

    @property
    def keyed(self) -> dict[str, Any]:
        """What its digest is taken of: `resolved` without the fields that keys leave out."""
        return self._json(keyed=True)

    def _json(self, *, keyed: bool) -> dict[str, Any]:
        data = canonical(self, keyed=keyed)
        for key in ("splits", "methods", "metrics"):
            entries = getattr(self, key)
            data[key] = [e.plugin.identity(keyed=keyed) | {"label": e.label} for e in entries]
        return dict(data)

    @property
    def digest(self) -> str:
        """SHA-256 of `keyed`."""
        return digest(self.keyed)


class _File(Config):
    benchmarks: Annotated[list[Benchmark], Field(min_length=1)]


def read(path: Path, catalogue: Catalogue) -> list[Benchmark]:
    """The benchmarks of a YAML file, every component resolved and validated.

    Raises:
        ConfigError: one readable error that names file and line, and the nearest valid key.
    """
    reader = _Reader(path, catalogue)
    tree = yaml_lines.read(path)
    if not isinstance(tree, Mapping):
        kind = "empty" if tree is None else "a list or a word, not a mapping"
        raise ConfigError(
            f"the file is {kind}", where=f"{path}:1", remedy="Start it with `benchmarks:`."
        )
    found: _File = reader.validated(_File, tree, tree, what="the file")
    return found.benchmarks


@final
class Selection(NamedTuple):
    """What `--only` leaves of a file: its benchmarks, and labels of methods (all, if none)."""

    benchmarks: list[Benchmark]
    labels: tuple[str, ...]


def select(benchmarks: list[Benchmark], only: list[str]) -> Selection:
    """What is asked for of these benchmarks, by labels of methods and names of benchmarks.

    Raises:
        ConfigError: a name is neither.
    """
    labels = {method.label for benchmark in benchmarks for method in benchmark.methods}
    names = {benchmark.name for benchmark in benchmarks}
    unknown = set(only) - labels - names
    if unknown:
        raise ConfigError(
            f"--only names {', '.join(sorted(unknown))}, and the file has neither such a method "
            "nor such a benchmark",
            remedy=f"Methods: {', '.join(sorted(labels))}. Benchmarks: {', '.join(sorted(names))}.",
        )
    named = names & set(only)
    kept = [benchmark for benchmark in benchmarks if not named or benchmark.name in named]
    return Selection(kept, tuple(name for name in only if name in labels))


def component(
    wanted: type[Plugin], entry: Mapping, *, path: Path, catalogue: Catalogue
) -> Component[Any]:
    """A component from an entry of a YAML document that is no file of benchmarks.

    Args:
        wanted: its base class: Method, Split, ...
        entry: a mapping with `name:` and its configuration.
        path: the document's, which errors name; paths are relative to its folder.
        catalogue: where plugins come from.

    Raises:
        ConfigError: one readable error that names file and line, and the nearest valid key.
    """
    found = _Reader(path, catalogue).configured(wanted, entry)
    return Component[wanted].model_validate(found)  # type: ignore[valid-type]


@final
class _Reader:
    def __init__(self, path: Path, catalogue: Catalogue) -> None:
        self.path = path
        self.catalogue = catalogue
        self.context = {"folder": path.parent, "resolve": self.resolve}

    def error(self, line: int, problem: str, remedy: str = "") -> ConfigError:
        return ConfigError(problem, where=f"{self.path}:{line}", remedy=remedy)

    def resolve(self, wanted: type[Plugin], value: Any) -> dict[str, Any]:
        """A component's entry -> its configured plugin and label."""
        if isinstance(value, str):
            entry = Mapping(name=value)
            entry.line, entry.lines = 0, {"name": 0}
            try:
                return self.configured(wanted, entry)
            except ConfigError as error:  # pydantic, which called, knows the line
                raise ValueError(f"{error.problem}. {error.remedy}") from None
        if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
            raise ValueError(
                f"give the {wanted.kind}'s name, or a mapping with `name:` and its configuration"
            )
        return self.configured(wanted, value)

    def configured(self, wanted: type[Plugin], entry: Mapping) -> dict[str, Any]:
        """A mapping with `name:` -> its configured plugin and label."""
        try:
            plugin = self.catalogue.find(wanted.kind, entry["name"])
        except PluginError as error:
            raise self.error(entry.lines["name"], error.problem, error.remedy) from None
        own: dict[str, Any] = {}
        if "preset" in entry:
            preset = entry["preset"]
            if not isinstance(preset, str) or preset not in plugin.presets:
                known = ", ".join(plugin.presets) or "none"
                raise self.error(
                    entry.lines["preset"],
                    f"{plugin.name} has no preset {preset!r}",
                    f"Its presets: {known}.",
                )
            own |= plugin.presets[preset]
        own |= {key: item for key, item in entry.items() if key not in RESERVED}
        what = f"{wanted.kind} {plugin.name}"
        config = self.validated(plugin.Config, own, entry, what=what)
        label = entry.get("label", plugin.name)
        if not isinstance(label, str) or not re.fullmatch(_LABEL, label):
            problem = f"label {label!r} is no label"
            raise self.error(
                entry.lines["label"], problem, "Letters, digits, spaces and ._+@- are."
            )
        return {"plugin": plugin(config), "label": label}

    def validated(self, model: type[Any], data: Any, tree: Any, *, what: str) -> Any:
        """`data` as a `model`; the first fault becomes a ConfigError with its line in `tree`."""
        try:
            value = model.model_validate(dict(data), context=self.context)
        except ConfigError as error:  # of a default that names a component, say
            if error.where:
                raise
            line = tree.lines.get("name", tree.line) or tree.line
            raise self.error(line, f"{what}: {error.problem}", error.remedy) from None
        except ValidationError as error:
            faults = error.errors(include_url=False)
            unknown = [fault for fault in faults if fault["type"] == "extra_forbidden"]
            first = (unknown or faults)[0]
            place = _place(tree, first["loc"])
            # The members of a union fail one by one, at the same place.
            same = [fault for fault in faults if _place(tree, fault["loc"]) == place]
            if model is _File and len(first["loc"]) > 2:
                name = tree["benchmarks"][first["loc"][1]].get("name")
                what = f"benchmark {name}" if name else "a benchmark"
            problem, remedy = _explain(first, same, model, what, place)
            raise self.error(place.line, problem, remedy) from None
        if isinstance(value, _File):
            self.check_names(value, tree)
        return value

    def check_names(self, value: "_File", tree: Mapping) -> None:
        names: dict[str, int] = {}
        for benchmark, entry in zip(value.benchmarks, tree["benchmarks"], strict=True):
            line = entry.lines["name"]
            if benchmark.name in names:
                before = names[benchmark.name]
                problem = f"two benchmarks are named {benchmark.name} (the first on line {before})"
                raise self.error(line, problem, "Give each a name of its own.")
            names[benchmark.name] = line
            for key in ("splits", "methods", "metrics"):
                self.check_labels(key, getattr(benchmark, key), entry[key].lines)

    def check_labels(self, key: str, components: list[Any], lines: list[int]) -> None:
        labels: dict[str, int] = {}
        summaries: dict[str, str] = {}
        for component, line in zip(components, lines, strict=True):
            label = component.label
            if label in labels:
                problem = f"{key} has the label {label!r} twice (first on line {labels[label]})"
                raise self.error(line, problem, "Tell them apart by `label:`.")
            if label == CEILING:
                raise self.error(line, f"label {label!r} is that of the ceiling row", "Rename it.")
            labels[label] = line
            for summary in component.plugin.summaries if key == "metrics" else ():
                other = summaries.setdefault(summary.name, label)
                if other != label:
                    raise self.error(
                        line,
                        f"metrics {other} and {label} both give {summary.name}",
                        "A table has each summary once: leave one of them out.",
                    )


@final
@dataclass(frozen=True, slots=True)
class _Place:
    """Where a fault is: its line, and the keys that lead there."""

    line: int
    keys: tuple[str, ...]


def _place(tree: Any, loc: tuple[Any, ...]) -> _Place:
    line, keys = int(tree.line), []
    for step in loc:
        inside = isinstance(tree, Mapping) and step in tree.lines
        if inside or (isinstance(tree, Sequence) and isinstance(step, int) and step < len(tree)):
            line, tree = tree.lines[step], tree[step]
            keys += [step] if isinstance(step, str) else []
    return _Place(line, tuple(keys[1:] if keys[:1] == ["benchmarks"] and keys[1:] else keys))


def _explain(
    fault: Any, same: list[Any], model: type[BaseModel], what: str, place: _Place
) -> tuple[str, str]:
    last = fault["loc"][-1] if fault["loc"] else ""
    if fault["type"] == "extra_forbidden":
        for step in fault["loc"][:-1]:
            model = _inner(model, step)
        reserved = () if issubclass(model, Benchmark | _File) else RESERVED
        known = [*sorted(model.model_fields), *reserved]
        near = difflib.get_close_matches(str(last), known, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}?" if near else f"Known keys: {', '.join(known)}."
        return f"{what} has no key {last!r}", hint
    if fault["type"] == "missing":
        return f"{what} lacks the key {last!r}", ""
    texts = [each["msg"].removeprefix("Value error, ") for each in same]
    text = " or ".join([texts[0], *(t.removeprefix("Input should be ") for t in texts[1:])])
    text = re.sub(r", unable to parse \w+ as an? \w+", "", text)
    text = re.sub(r"a valid dictionary or instance of \w+", "a mapping", text)
    text = text[0].lower() + text[1:] if not text[:2].isupper() else text
    if isinstance(fault["input"], str | int | float | None) and text.startswith("input"):
        text += f", not {'nothing' if fault['input'] is None else repr(fault['input'])}"
    problem, _, remedy = text.partition(". ")
    # What a preset or a default says is not in the file.
    path = ".".join(place.keys) or ".".join(map(str, fault["loc"][:1]))
    return f"{path}: {problem}" if path else problem, remedy


def _inner(model: type[BaseModel], step: Any) -> type[BaseModel]:
    if isinstance(step, int) or step not in model.model_fields:
        return model
    stack: list[Any] = [model.model_fields[step].annotation]
    while stack:
        kind = stack.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
        stack.extend(getattr(kind, "__args__", ()))
    return model
