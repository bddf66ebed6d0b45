"""benchmarks.yaml -> Benchmark: a closed format whose errors name the file and the line."""

import difflib
import re
from pathlib import Path
from typing import Annotated, Any, Literal, final

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from geobench.catalogue import Catalogue
from geobench.components import Component, Config, Plugin, canonical, digest
from geobench.data import Dataset
from geobench.encoders import Encoder
from geobench.errors import ConfigError, PluginError
from geobench.methods import Method
from geobench.metrics import Metric
from geobench.splits import Split

RESERVED = ("name", "label", "preset")
"""Keys of a component that are not its own configuration."""

_LABEL = r"^[A-Za-z0-9][A-Za-z0-9 ._+@-]*$"


@final
class Benchmark(Config):
    """One entry of benchmarks.yaml, with every component configured."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$")]
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
    samples: Annotated[int, Field(ge=2)] = 16
    """Points drawn per photo, for metrics that need a distribution."""
    photos: Annotated[int, Field(ge=1)] | Literal["all"] = "all"
    """How many photos of each part are scored by those metrics: the smallest hashes of id."""
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = [0]
    """Seeds of training and sampling; each is one training."""
    chunk: Annotated[int, Field(ge=1)] = 1024
    """Photos per call of `predict`; in the record key."""
    deadline: Annotated[float, Field(gt=0)] | None = None
    """Seconds after which a cell is stopped and stores nothing; in no key."""
    on_broken: Literal["exclude", "fail"] = "exclude"
    """Photos whose pictures cannot be read are left out for all methods, or stop the run."""

    @field_validator("seeds")
    @classmethod
    def _unique(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) != len(seeds):
            raise ValueError("a seed repeats")
        return seeds

    @property
    def resolved(self) -> dict[str, Any]:
        """The benchmark as JSON data: every component with its full configuration."""
        data = canonical(self)
        for key in ("splits", "methods", "metrics"):
            entries = getattr(self, key)
            data[key] = [e.plugin.identity() | {"label": e.label} for e in entries]
        del data["deadline"]
        return dict(data)

    @property
    def digest(self) -> str:
        """SHA-256 of `resolved`."""
        return digest(self.resolved)


class _File(Config):
    benchmarks: Annotated[list[Benchmark], Field(min_length=1)]

    @model_validator(mode="after")
    def _names(self) -> "_File":
        names = [benchmark.name for benchmark in self.benchmarks]
        if len(set(names)) != len(names):
            raise ValueError("two benchmarks have the same name")
        return self


def read(path: Path, catalogue: Catalogue) -> list[Benchmark]:
    """The benchmarks of a YAML file, every component resolved and validated.

    Raises:
        ConfigError: one readable error that names file and line, and the nearest valid key.
    """
    reader = _Reader(path, catalogue)
    tree = reader.parse()
    if not isinstance(tree, _Mapping):
        kind = "empty" if tree is None else "a list or a word, not a mapping"
        raise ConfigError(
            f"the file is {kind}", where=f"{path}:1", remedy="Start it with `benchmarks:`."
        )
    found: _File = reader.validated(_File, tree, tree, what="the file")
    return found.benchmarks


class _Mapping(dict[str, Any]):
    """A YAML mapping that remembers its lines."""

    line: int
    lines: dict[str, int]


class _Sequence(list[Any]):
    """A YAML sequence that remembers its lines."""

    line: int
    lines: list[int]


@final
class _Reader:
    def __init__(self, path: Path, catalogue: Catalogue) -> None:
        self.path = path
        self.catalogue = catalogue
        self.context = {"folder": path.parent, "resolve": self.resolve}

    def error(self, line: int, problem: str, remedy: str = "") -> ConfigError:
        return ConfigError(problem, where=f"{self.path}:{line}", remedy=remedy)

    def parse(self) -> Any:
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise ConfigError(
                "there is no such file", where=str(self.path), remedy="Give the YAML file's path."
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot be read: {error}", where=str(self.path)) from None
        try:
            node = yaml.compose(text, Loader=_Loader)
            return None if node is None else self.build(node)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            problem = error.problem or "not YAML"
            if "'\\t'" in problem:
                problem = "a tab character"
                remedy = "Indent with spaces."
            else:
                remedy = "Check indentation, colons and brackets on this line and the one before."
            raise self.error(mark.line + 1 if mark else 1, problem, remedy) from None
        except yaml.YAMLError as error:
            raise self.error(1, f"not YAML: {error}") from None

    def build(self, node: yaml.Node) -> Any:
        line = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            mapping = _Mapping()
            mapping.line, mapping.lines = line, {}
            for key_node, value_node in node.value:
                key, at = key_node.value, key_node.start_mark.line + 1
                if not isinstance(key, str):
                    raise self.error(at, "a key is no plain word")
                if key in mapping:
                    first = mapping.lines[key]
                    raise self.error(at, f"key {key!r} repeats (first on line {first})")
                mapping[key], mapping.lines[key] = self.build(value_node), at
            return mapping
        if isinstance(node, yaml.SequenceNode):
            sequence = _Sequence(self.build(child) for child in node.value)
            sequence.line = line
            sequence.lines = [child.start_mark.line + 1 for child in node.value]
            return sequence
        loader = _Loader("")
        return loader.construct_object(node)

    def resolve(self, wanted: type[Plugin], value: Any) -> dict[str, Any]:
        """A component's entry -> its configured plugin and label."""
        entry, line = value, 0
        if isinstance(value, str):
            entry = _Mapping(name=value)
            entry.line, entry.lines = 0, {}
        elif isinstance(value, _Mapping):
            line = value.line
        if not isinstance(entry, _Mapping) or not isinstance(entry.get("name"), str):
            raise ValueError(
                f"a {wanted.kind} is a name, or a mapping with `name:` and its configuration"
            )
        try:
            plugin = self.catalogue.find(wanted.kind, entry["name"])
        except PluginError as error:
            if line == 0:
                raise ValueError(str(error)) from None  # the caller knows the line
            raise self.error(entry.lines["name"], error.problem, error.remedy) from None
        own: dict[str, Any] = {}
        if "preset" in entry:
            preset = entry["preset"]
            if preset not in plugin.presets:
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
        if not isinstance(label, str) or not re.match(_LABEL, label):
            problem = f"label {label!r} is no label"
            raise self.error(
                entry.lines.get("label", line), problem, "Letters, digits, spaces and ._+@- are."
            )
        return {"plugin": plugin(config), "label": label}

    def validated(self, model: type[Any], data: Any, tree: Any, *, what: str) -> Any:
        """`data` as a `model`; the first fault becomes a ConfigError with its line in `tree`."""
        try:
            value = model.model_validate(dict(data), context=self.context)
        except ValidationError as error:
            faults = error.errors(include_url=False)
            unknown = [fault for fault in faults if fault["type"] == "extra_forbidden"]
            fault = (unknown or faults)[0]
            raise self.error(_line(tree, fault["loc"]), *_explain(fault, model, what)) from None
        if isinstance(value, _File):
            self.check_labels(value, tree)
        return value

    def check_labels(self, value: "_File", tree: _Mapping) -> None:
        for benchmark, entry in zip(value.benchmarks, tree["benchmarks"], strict=True):
            for key in ("splits", "methods", "metrics"):
                seen: dict[str, int] = {}
                items = zip(getattr(benchmark, key), entry[key].lines, strict=True)
                for component, line in items:
                    if component.label in seen:
                        raise self.error(
                            line,
                            f"{key} has the label {component.label!r} twice "
                            f"(first on line {seen[component.label]})",
                            "Tell them apart by `label:`.",
                        )
                    seen[component.label] = line


def _line(tree: Any, loc: tuple[Any, ...]) -> int:
    line = tree.line
    for step in loc:
        inside = isinstance(tree, _Mapping) and step in tree.lines
        if inside or (isinstance(tree, _Sequence) and isinstance(step, int) and step < len(tree)):
            line, tree = tree.lines[step], tree[step]
    return int(line)


def _explain(fault: Any, model: type[BaseModel], what: str) -> tuple[str, str]:
    steps = [str(step) for step in fault["loc"] if re.fullmatch(r"[a-z0-9_]+", str(step))]
    path = ".".join(steps[2:] if steps[:1] == ["benchmarks"] else steps) or ".".join(steps[:1])
    if fault["type"] == "extra_forbidden":
        for step in fault["loc"][:-1]:
            model = _inner(model, step)
        reserved = () if issubclass(model, Benchmark | _File) else RESERVED
        known = [*sorted(model.model_fields), *reserved]
        near = difflib.get_close_matches(str(fault["loc"][-1]), known, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}?" if near else f"Known keys: {', '.join(known)}."
        return f"{what} has no key {fault['loc'][-1]!r}", hint
    if fault["type"] == "missing":
        return f"{what} lacks the key {path!r}", ""
    message = fault["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:] if not message[:2].isupper() else message
    if isinstance(fault["input"], str | int | float | bool | None) and "input" in message:
        message += f", not {fault['input']!r}"
    problem, _, remedy = message.partition(". ")
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


class _Loader(yaml.SafeLoader):
    """YAML 1.2's scalars: NO is a string, 1e-4 a number, 2020-01-01 a string."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("float", r"^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$", "-+."),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    return int(node.value)


_Loader.add_constructor("tag:yaml.org,2002:int", _decimal)
