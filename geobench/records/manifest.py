"""benchmark.json as a typed model: what was asked for, and what the tables are made of."""

from typing import Annotated, Any, Literal, Self, TypeAlias, final

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from geobench.data import Publishes
from geobench.methods import Origin
from geobench.names import LABEL, NAME
from geobench.records.documents import Count, Document, Facts, FileName, Versioned, plain_name
from geobench.resampling import BLOCK_ROWS, Rule


def _label(text: str) -> str:
    if not LABEL.fullmatch(text):
        raise ValueError("it is no label: letters, digits, spaces and ._+@- are")
    return text


def _part_label(text: str) -> str:
    split, slash, name = text.rpartition("/")
    if not (slash and LABEL.fullmatch(split) and LABEL.fullmatch(name)):
        raise ValueError("a part is called by its split's label, a slash and its own")
    return text


def _benchmark_name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise ValueError("it is no name of a benchmark: lower case and digits, joined by hyphens")
    return text


def _record_folder(text: str) -> str:
    for name in text.split("/", 1):
        plain_name(name)
    return text


Label: TypeAlias = Annotated[str, AfterValidator(_label)]
"""Of a row, or of a split."""
PartLabel: TypeAlias = Annotated[str, AfterValidator(_part_label)]

Reveals: TypeAlias = Literal["full", "versions", "none"]
"""What records say of what their numbers were made with: all, versions alone, or nothing."""


@final
class StoredComponent(Document):
    """A configured plugin, as it is shown in benchmark.json and in records."""

    kind: str = Field(description="`dataset`, `split`, `encoder`, `method` or `metric`")
    name: str = Field(description="under which it is registered")
    version: int = Field(description="raised by its author when its numbers change")
    config: dict[str, Any] = Field(
        description="its whole configuration: YAML, preset and defaults together; `fit.method` of "
        "a record leaves out what is in no key"
    )
    content: str | None = Field(
        default=None,
        description="of what lies outside the configuration, such as weights; absent where there "
        "is nothing of the kind",
    )
    label: Label | None = Field(default=None, description="of splits, methods and metrics")


@final
class Asked(Document):
    """The benchmark that was asked for: the keys of its YAML entry, every default filled in."""

    name: Annotated[str, AfterValidator(_benchmark_name)] = Field(description="names the folder")
    dataset: StoredComponent = Field(description="what is compared on")
    encoder: StoredComponent | None = Field(description="whose features every method sees")
    splits: list[StoredComponent] = Field(description="how it is cut into parts")
    methods: list[StoredComponent] = Field(description="what is compared")
    metrics: list[StoredComponent] = Field(description="how it is scored")
    samples: Count = Field(description="points drawn per photo")
    photos: Count | Literal["all"] = Field(
        description="photos of each part that are scored by draws or densities"
    )
    density_photos: Count | Literal["all"] | None = Field(
        default=None,
        description="of these, photos that are scored by densities; null: all",
    )
    density_samples: Count | None = Field(
        default=None, description="draws of a photo at which its density is looked at; null: all"
    )
    seeds: list[Count] = Field(description="of training and sampling")
    chunk: Count = Field(description="photos per call of `predict`")
    deadline: float | None = Field(default=None, description="seconds; changes no number")
    isolate: Literal["never", "third-party", "always"] | None = Field(
        default=None,
        description="which trainings run in a process of their own; changes no number",
    )
    memory: float | None = Field(
        default=None, description="GiB that such a training may take; changes no number"
    )
    on_broken: Literal["exclude", "fail"] = Field(description="`exclude` or `fail`")
    environment: Reveals | None = Field(
        default=None,
        description="what records say of machine and packages, `full`, `versions` or `none`; "
        "changes no number; boards of older versions lack it, and say all",
    )


@final
class StoredDataset(Document):
    """What is said of a dataset."""

    name: str = Field(description="under which it is registered")
    digest: str = Field(
        description="of name, version, configuration without paths, ids, places, groups, "
        "attributes, sizes of files, and how these are read"
    )
    photos: Count = Field(description="rows of its table")
    promised: Count = Field(description="photos that the source promised")
    broken: dict[str, Count] = Field(
        description="why promised photos are not in the table -> how many"
    )
    unread: dict[str, Count] | None = Field(
        default=None,
        description="why pictures of photos of its parts cannot be read, so that no method has "
        "them -> how many; absent where all can, or none are asked for",
    )
    licence: str = Field(description="of its pictures and places")
    citation: str = Field(description="whom to credit")
    title: str | None = Field(
        default=None, description="what the page calls it; absent where that is its name"
    )
    publishes: Publishes = Field(
        description="what may be shown: `pictures`, `coordinates` or `scores`; of `scores`, a "
        ".gitignore keeps runs/ out of git"
    )
    on_earth: bool = Field(
        description="whether its places are on the real Earth, of which continents and coasts are "
        "known"
    )


@final
class SplitMap(Document):
    """The file in which the map of a split lies."""

    file: FileName = Field(
        description="split label -> the name of its map in runs/; none where only scores may be "
        "shown"
    )
    sha256: str = Field(description="of that file")


@final
class StoredUnits(Document):
    """Which photos of a part are one unit, and why."""

    rules: list[Rule] = Field(
        description="what makes photos one unit, joined where they overlap: `group`, `region`, "
        "`block`; none where each photo is one. Absent, with the other two, of boards of before"
    )
    alone: bool = Field(
        description="whether it is the coarsest rule alone, because joined with others one unit "
        "would hold over half of the photos"
    )
    block_rows: Annotated[int, Field(ge=2, le=BLOCK_ROWS)] | None = Field(
        default=None,
        description="rows of the EqualAreaGrid whose cells are blocks; null for a dataset without "
        "a reach",
    )


@final
class StoredPart(Document):
    """A part, and where its photos lie."""

    folder: FileName = Field(description="part -> its folder in runs/")
    digest: str = Field(description="of ids, places and regions of its photos")
    resampled: StoredUnits | None = None
    dataset: StoredDataset = Field(description="where its photos are from; the fields of `dataset`")
    sha256: str = Field(description="of part.npz")
    facts: Facts = Field(description="name -> fact: the split in numbers")
    twin_of: str | None = Field(
        default=None,
        description="of a part of a twin: the part of this benchmark with the same photos, on "
        "which methods were trained without their surroundings; absent where there is none",
    )


@final
class SeenByWeights(Document):
    """What the released weights of a method's component have seen."""

    method: str = Field(description="a component with released weights; absent where there is none")
    trained_on: str = Field(description="what its weights have seen")


@final
class ManifestRow(Document):
    """A record that the tables are made of."""

    part: PartLabel = Field(description="one entry per record: its part")
    label: Label = Field(description="its label; labels are stored here alone")
    method: str = Field(description="the method's name")
    origin: Origin = Field(description="`trained`, `external` or `released`")
    trained_on: str | None = Field(
        default=None,
        description="what released weights have seen; that of a method's components is listed in "
        "`components`, which is absent of others",
    )
    seed: Count = Field(description="the training")
    record_key: str = Field(description="the record key")
    folder: Annotated[str, AfterValidator(_record_folder)] = Field(
        description="the record's folder in runs/"
    )
    files: dict[FileName, str] = Field(description="name -> digest of every file of the record")
    components: list[SeenByWeights] | None = None
    gallery: str | None = Field(
        default=None,
        description="of a retrieval method: what places it can answer with; absent of others",
    )


def _in_figures(path: str) -> str:
    folder, _, name = path.partition("/")
    if folder != "figures":
        raise ValueError("a picture lies in figures/")
    plain_name(name)
    return path


@final
class StoredPicture(Document):
    """A picture that was drawn, and of what.

    Leaderboards come from strangers: what is no path of a picture is none, and never opened.
    """

    file: Annotated[str, AfterValidator(_in_figures)] = Field(
        description="a picture, drawn from the tables and the stored arrays: its path in this "
        "folder"
    )
    title: str = Field(description="what it is")
    caption: str = Field(description="how it is read")
    part: str = Field(
        description="the part beside whose table it stands in README.md; empty where it stands "
        "for all"
    )
    source: str = Field(
        description="of what it was drawn from: version and format of the pictures, and this file "
        "without `figures` and the digest of README.md; if that has changed, the picture is stale"
    )
    sha256: str = Field(description="of the file")


_Listed: TypeAlias = Annotated[StoredPicture | Any, Field(union_mode="left_to_right")]


@final
class Manifest(Versioned):
    """benchmark.json: what was asked for, and the records, parts and pictures of the answer."""

    benchmark: Asked
    left_out: list[list[str | int]] | None = Field(
        default=None,
        description="what the digest leaves out of `benchmark`: the way to each place, keys and "
        "positions",
    )
    digest: str = Field(description="of `benchmark` without what `left_out` names")
    limit: Count | None = Field(description="`--limit`")
    dataset: StoredDataset
    maps: dict[Label, SplitMap]
    parts: dict[PartLabel, StoredPart]
    rows: list[ManifestRow]
    missing: list[str] = Field(
        description="records that are not there yet, `<part> / <label> / <seed>`"
    )
    tables: dict[FileName, str] | None = Field(
        default=None,
        description="name -> digest of table.csv, curves.csv, costs.csv, resolution.csv and "
        "README.md",
    )
    # What is no picture is left alone and told of, and is no reason to read nothing at all.
    figures: (
        Annotated[
            list[_Listed],
            BeforeValidator(lambda found: found if isinstance(found, list) else [found]),
        ]
        | None
    ) = None

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        named = set[tuple[str, str, int]]()
        for row in self.rows:
            if row.part not in self.parts:
                raise ValueError(f"a row is of the part {row.part}, and there is none")
            if (key := (row.part, row.label, row.seed)) in named:
                raise ValueError(f"{row.label} has two rows of seed {row.seed} on {row.part}")
            named.add(key)
        for label, part in self.parts.items():
            twin = None if part.twin_of is None else self.parts.get(part.twin_of)
            if part.twin_of is not None and (twin is None or twin.digest != part.digest):
                raise ValueError(f"{label} is the twin of {part.twin_of}, which has other photos")
        return self

    @property
    def pictures(self) -> list[StoredPicture]:
        """The pictures among what `figures` lists."""
        return [each for each in self.figures or [] if isinstance(each, StoredPicture)]

    @property
    def datasets(self) -> list[StoredDataset]:
        """The benchmark's dataset, and that of every part, in order."""
        return [self.dataset, *(part.dataset for part in self.parts.values())]
