"""record.json and state.json as typed models: what went into a number, and what became of it."""

from typing import Literal, Self, TypeAlias, final

from pydantic import ConfigDict, Field

from geobench.digests import digest
from geobench.methods import Origin
from geobench.records.documents import Count, Document, Facts, Versioned
from geobench.records.manifest import StoredComponent

Status: TypeAlias = Literal["ok", "failed", "deadline", "not-answered", "absent"]
"""`absent`: a package or weights that the method needs are not on the machine that ran."""


@final
class TrainingDataset(Document):
    """The dataset that is trained on."""

    name: str = Field(description="the dataset that is trained on")
    digest: str = Field(description="as in benchmark.json")


@final
class FitInputs(Document):
    """What goes into the fit key, which is the digest of this object's data."""

    keys: int = Field(alias="schema", description="version of what keys mean")
    dataset: TrainingDataset
    train: str = Field(description="of ids, places and groups of the training photos")
    val: str = Field(description="of those of the validation photos")
    on_broken: Literal["exclude", "fail"] = Field(description="`exclude` or `fail`")
    features: dict[str, str] = Field(
        description="`pooled`, `tokens` -> digest of the encoder that made them; what the method "
        "uses alone"
    )
    method: StoredComponent = Field(description="without a label")
    seed: Count = Field(description="0 of a deterministic method")
    components: list[str] = Field(
        description="the fit keys of the methods that this one's configuration names"
    )


@final
class RecordedTask(Document):
    """The photos that were trained on and those that were answered."""

    digest: str = Field(
        description="of the list of `fit.train`, `fit.val`, `task.test` and `task.dataset`"
    )
    split: StoredComponent = Field(description="without a label")
    part: str = Field(description="the test part, without the split's label")
    test: str = Field(description="of ids, places and regions of its photos")
    dataset: str = Field(description="of the dataset that they are from")


@final
class DrawRule(Document):
    """What decides draws, and how many photos and draws are scored."""

    chunk: Count = Field(description="photos per call of `predict`")
    photos: Count | Literal["all"] = Field(
        description="photos that are scored by draws or densities"
    )
    samples: Count = Field(description="points drawn for each")
    density_photos: Count | Literal["all"] | None = Field(
        default=None,
        description="of these, photos that are scored by densities; absent if all are, or if the "
        "method predicts none",
    )
    density_samples: Count | None = Field(
        default=None,
        description="draws of a photo at which its density is looked at; absent as above",
    )


@final
class Checked(Document):
    """The short form of what the conformance kit had said of a plugin."""

    version: int = Field(description="the method's version then")
    kit: int = Field(description="version of the conformance kit")
    passed: Count = Field(description="checks passed")
    failed: dict[str, str] = Field(description="check -> what was found")
    expected_failures: dict[str, str] = Field(
        alias="expected failures", description="check -> what was found"
    )
    skipped: dict[str, str] = Field(description="check -> why it does not apply")


@final
class Environment(Document):
    """What a number was made with, as much of it as `environment` of the benchmark lets be said."""

    python: str | None = Field(default=None, description="version; absent with `environment: none`")
    platform: str | None = Field(
        default=None,
        description="operating system, without the name of the machine; absent unless "
        "`environment: full`",
    )
    processor: str | None = Field(default=None, description="such as `x86_64`; absent likewise")
    packages: dict[str, str] | None = Field(
        default=None,
        description="distribution -> version: geobench, numpy, scipy, that of the method, and "
        "those that its `requires` names; absent with `environment: none`",
    )
    git: dict[str, str | bool] | None = Field(
        default=None,
        description="`commit` of geobench's working copy, and `dirty`: whether files had changed "
        "since; empty where it is installed from a package, absent unless `environment: full`",
    )


@final
class Timings(Document):
    """Seconds that things took. It is open: each further number is a quantity of costs.csv, too."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float]

    fit_seconds: float | None = Field(default=None, description="of `ok`: as in costs.csv")
    restore_seconds: float | None = Field(
        default=None, description="of `ok`: likewise; records of older versions lack it"
    )
    predict_seconds: float | None = Field(default=None, description="of `ok`: likewise")
    score_seconds: float | None = Field(default=None, description="of `ok`: likewise")
    latency_median_seconds: float | None = Field(
        default=None,
        description="of `ok`: likewise; absent where no single photo was asked about",
    )
    latency_p95_seconds: float | None = Field(default=None, description="of `ok`: likewise")


@final
class FeatureTime(Document):
    """What making the features took that a method reads."""

    seconds_per_photo: float = Field(
        description="of `ok`: `feature_seconds_per_photo` of costs.csv"
    )
    photos: Count = Field(description="of `ok`: photos that it was measured on")
    workers: Count = Field(description="of `ok`: `feature_workers` of costs.csv")
    device: str = Field(description="of `ok`: where the encoder worked: `cpu`, `cuda` or `cuda:1`")


@final
class Record(Versioned):
    """record.json: one training on one part, all that went into it and what was measured."""

    record_key: str = Field(description="the record key")
    fit_key: str = Field(description="the fit key")
    fit: FitInputs
    task: RecordedTask
    draws: DrawRule
    method: StoredComponent | None = Field(
        default=None,
        description="without a label; shows every field, those that `fit.method` leaves out, too; "
        "records of older versions lack it",
    )
    origin: Origin = Field(description="`trained`, `external` or `released`")
    trained_on: str = Field(description="what released weights have seen")
    predicts: str = Field(
        description="the class of the method's predictions, such as `Floored` or `Atoms`"
    )
    plugin: str = Field(
        description="entry point, distribution and version that the method came from; empty if it "
        "was registered by none"
    )
    check: str | Checked = Field(
        description="what `geobench check` had said of the method: `not checked`, or the fields "
        "below"
    )
    environment: Environment
    status: Status = Field(description="`ok`, `failed`, `deadline`, `not-answered` or `absent`")
    error: str | None = Field(
        default=None, description="of `failed`, `deadline` and `absent`: what went wrong"
    )
    traceback: str | None = Field(
        default=None, description="of `failed`, `deadline` and `absent`: where in the code"
    )
    facts: Facts | None = Field(
        default=None,
        description="of `ok`: name -> fact, measured by the method while it was fitted and while "
        "it answered",
    )
    timings: Timings | None = None
    latency_photos: Count | None = Field(default=None, description="of `ok`: likewise")
    photos: Count | None = Field(default=None, description="of `ok`: photos answered, N")
    fewest_draws: Count | None = Field(
        default=None,
        description="of `ok`: how many draws there are of the photo with the fewest, of those "
        "scored by draws, where they were made elsewhere; below `draws.samples` metrics of draws "
        "do not rank it; null where as many can be had as are asked for; records of older versions "
        "lack it",
    )
    refused: Count | None = Field(
        default=None,
        description="of `ok`: photos that the method declined to answer; absent where it answered "
        "all of them",
    )
    stand_in: str | None = Field(
        default=None,
        description="of `ok`: what these are scored as, in words; absent likewise",
    )
    along: dict[str, str] | None = Field(
        default=None,
        description="of `ok`: what the method said beside its answers (`confidence`, `seconds`, "
        "`cost`, `explanation`) -> its unit; absent where it said nothing",
    )
    device: str | None = Field(
        default=None, description="of `ok`: where it was answered, `cpu`, `cuda` or `cuda:1`"
    )
    fit_device: str | None = Field(
        default=None,
        description="of `ok`: where the state was fitted, which may be elsewhere; records of older "
        "versions lack it, and have `device` for both",
    )
    peak_memory_mib: float | None = Field(default=None, description="of `ok`: as in costs.csv")
    peak_device_memory_mib: float | None = Field(
        default=None, description="of `ok`: likewise; null without CUDA"
    )
    feature_time: FeatureTime | None = Field(
        default=None,
        description="of `ok`: what making the features took; null where the method wants none, or "
        "it is not known",
    )


@final
class Fit(Document):
    """state.json: the details of a fit, beside the state that it gave."""

    fit_key: str = Field(description="the fit key, which names the folder")
    fit_seconds: float = Field(
        description="wall-clock time of `fit`, that before a kill and in its checkpoints included"
    )
    device: str | None = Field(
        default=None,
        description="where it was fitted, `cpu`, `cuda` or `cuda:1`; states of older versions "
        "lack it",
    )
    facts: Facts = Field(description="name -> fact, measured by the method while it was fitted")
    sha256: str = Field(description="of state.npz")
    stamp: str | None = Field(
        default=None,
        description="the digest of all fields above; states of older versions lack it",
    )

    def stamped(self) -> Self:
        """The same with its stamp, as it is written."""
        return self.changed(stamp=self._digest())

    def is_whole(self) -> bool:
        """Whether it is as it was written, as far as it has a stamp, and can be written again."""
        try:
            return self.stamp in (None, self._digest())
        except ValueError:  # a number that JSON has none for
            return False

    def _digest(self) -> str:
        return digest({name: value for name, value in self.data.items() if name != "stamp"})
