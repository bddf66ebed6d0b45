"""benchmarks.yaml -> Benchmark: a closed format whose errors name the file and the line."""

from collections.abc import Mapping as Lookup
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeAlias, final

from pydantic import Field, ValidationInfo, field_validator

from geobench.catalogue import Catalogue
from geobench.components import Component, Config, canonical
from geobench.confidential import without_secrets
from geobench.config import yaml_lines
from geobench.config.configure import validated
from geobench.config.origins import YamlFile
from geobench.config.yaml_lines import Mapping
from geobench.data import Dataset
from geobench.digests import digest
from geobench.encoders import Encoder
from geobench.errors import ConfigError, storable
from geobench.methods import Method
from geobench.metrics import Metric
from geobench.names import NAME
from geobench.predictions import Density, Prediction
from geobench.records.manifest import Reveals
from geobench.records.record import DrawRule
from geobench.splits import Split

_MOST_SAMPLES = 100_000  # each takes 16 bytes per photo of a chunk
_MOST_SEEDS = 1_000  # each is a training of every method
_LONGEST_NAME = 1000  # characters; of folders and files `file_name` makes shorter ones
_SHOWN = 60  # characters of a name in a message

MOST_SEED = 2**32 - 1
"""The largest seed that every library takes: scikit-learn and numpy's old generator no larger."""

Isolate: TypeAlias = Literal["never", "third-party", "always"]
"""Which trainings run in a process of their own."""
Seed: TypeAlias = Annotated[int, Field(ge=0, le=MOST_SEED, strict=True)]


@final
class Benchmark(Config):
    """One entry of benchmarks.yaml, with every component configured."""

    unkeyed = frozenset({"deadline", "environment", "isolate", "memory"})

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
    seeds: Annotated[list[Seed], Field(min_length=1)] = [0]
    """Seeds of training and sampling, each one training, from 0 to 4,294,967,295."""
    chunk: Annotated[int, Field(ge=1, strict=True)] = 1024
    """Photos per call of `predict`; in the record key."""
    deadline: Annotated[float, Field(gt=0)] | None = None
    """Seconds after which a training is stopped and stores nothing; in no key."""
    isolate: Isolate = "third-party"
    """Which trainings run in a process of their own, so that one that crashes is a failed row; in
    no key."""
    memory: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """GiB of memory after which a training in a process of its own is stopped; in no key."""
    on_broken: Literal["exclude", "fail"] = "exclude"
    """Photos whose pictures cannot be read are left out for all methods, or stop the run."""
    environment: Reveals = "full"
    """What records say of what their numbers were made with: `versions` leaves out operating
    system, processor and git commit, `none` versions of packages, too; in no key."""

    added: ClassVar[Lookup[str, Any]] = {"density_photos": None, "density_samples": None}
    """Fields that are left out of digests at these values: what was stored before there were such
    fields keeps its digest."""

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name. Use lower case and digits, joined by hyphens")
        if len(name) > _LONGEST_NAME:
            raise ValueError(
                f"a name of {len(name):,} characters is too long. Give at most {_LONGEST_NAME:,}"
            )
        return name

    @field_validator("samples")
    @classmethod
    def _fit_in_memory(cls, samples: int) -> int:
        if samples > _MOST_SAMPLES:
            raise ValueError(f"more than {_MOST_SAMPLES:,} points per photo fit in no memory")
        return samples

    @field_validator("seeds")
    @classmethod
    def _unique(cls, seeds: list[int]) -> list[int]:
        if len(seeds) > _MOST_SEEDS:
            raise ValueError(f"{len(seeds):,} seeds are too many. Give at most {_MOST_SEEDS:,}")
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
    benchmarks: Annotated[list[dict[str, Any]], Field(min_length=1)]


def read(path: Path, catalogue: Catalogue) -> list[Benchmark]:
    """The benchmarks of a YAML file, every component resolved and validated.

    Raises:
        ConfigError: one readable error that names file and line, and the nearest valid key.
    """
    tree = yaml_lines.read(path)
    if not isinstance(tree, Mapping):
        kind = "empty" if tree is None else "a list or a word, not a mapping"
        raise ConfigError(
            f"the file is {kind}", where=f"{path}:1", remedy="Start it with `benchmarks:`."
        )
    origin = YamlFile(path, catalogue)
    validated(_File, tree, what="the file", entry=tree, origin=origin)
    found: dict[str, Benchmark] = {}
    lines: dict[str, int] = {}
    for entry in tree["benchmarks"]:
        what = (
            f"benchmark {storable(str(entry['name']), _SHOWN)}"
            if entry.get("name")
            else "a benchmark"
        )
        benchmark = validated(Benchmark, entry, what=what, entry=entry, origin=origin)
        name, way = benchmark.name, ("name",)
        if name in found:
            problem = f"two benchmarks are named {name} (the first on line {lines[name]})"
            remedy = "Give each a name of its own."
            raise ConfigError(problem, where=origin.where(entry, way), remedy=remedy)
        found[name], lines[name] = benchmark, origin.line(entry, way)
        if _secret_in(benchmark.resolved):
            raise ConfigError(
                f"benchmark {name} holds a token, a password or credentials in a URL, which its "
                "records would publish",
                where=origin.where(entry, way),
                remedy="Take it out of this file, and let the plugin read it from an environment "
                "variable or from a file that is named here.",
            )
        for key in ("splits", "methods", "metrics"):
            _check_labels(key, getattr(benchmark, key), entry=entry, origin=origin)
    return list(found.values())


def _secret_in(data: Any) -> bool:
    """Whether JSON data hold a secret that is known by its form."""
    if isinstance(data, dict):
        return any(map(_secret_in, data.values()))
    if isinstance(data, list):
        return any(map(_secret_in, data))
    return isinstance(data, str) and without_secrets(data) != data


def _check_labels(
    key: str, components: list[Component[Any]], *, entry: Mapping, origin: YamlFile
) -> None:
    """Raise a ConfigError if two components would be the same in the tables."""
    lines: dict[str, int] = {}
    summaries: dict[str, str] = {}
    for number, component in enumerate(components):
        label, way = component.label, (key, number)
        if label in lines:
            problem = f"{key} has the label {label!r} twice (first on line {lines[label]})"
            remedy = "Tell them apart by `label:`."
            raise ConfigError(problem, where=origin.where(entry, way), remedy=remedy)
        lines[label] = origin.line(entry, way)
        for summary in component.plugin.summaries if key == "metrics" else ():
            other = summaries.setdefault(summary.name, label)
            if other != label:
                raise ConfigError(
                    f"metrics {other} and {label} both give {summary.name}",
                    where=origin.where(entry, way),
                    remedy="A table has each summary once: leave one of them out.",
                )


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
