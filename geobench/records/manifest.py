"""benchmark.json as a typed model: what was asked for, and what the tables are made of."""

import re
from typing import Annotated, Any, Literal, TypeAlias, final

from pydantic import AfterValidator, BeforeValidator, Field

from geobench.data import Publishes
from geobench.methods import Origin
from geobench.records.documents import Document, Facts, Versioned
from geobench.resampling import Rule


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
    label: str | None = Field(default=None, description="of splits, methods and metrics")


@final
class Asked(Document):
    """The benchmark that was asked for: the keys of its YAML entry, every default filled in."""

    name: str = Field(description="names the folder")
    dataset: StoredComponent = Field(description="what is compared on")
    encoder: StoredComponent | None = Field(description="whose features every method sees")
    splits: list[StoredComponent] = Field(description="how it is cut into parts")
    methods: list[StoredComponent] = Field(description="what is compared")
    metrics: list[StoredComponent] = Field(description="how it is scored")
    samples: int = Field(description="points drawn per photo")
    photos: int | Literal["all"] = Field(
        description="photos of each part that are scored by draws or densities"
    )
    density_photos: int | Literal["all"] | None = Field(
        default=None,
        description="of these, photos that are scored by densities; null: all",
    )
    density_samples: int | None = Field(
        default=None, description="draws of a photo at which its density is looked at; null: all"
    )
    seeds: list[int] = Field(description="of training and sampling")
    chunk: int = Field(description="photos per call of `predict`")
    deadline: float | None = Field(default=None, description="seconds; changes no number")
    isolate: Literal["never", "third-party", "always"] | None = Field(
        default=None,
        description="which trainings run in a process of their own; changes no number",
    )
    memory: float | None = Field(
        default=None, description="GiB that such a training may take; changes no number"
    )
    on_broken: Literal["exclude", "fail"] = Field(description="`exclude` or `fail`")


@final
class StoredDataset(Document):
    """What is said of a dataset."""

    name: str = Field(description="under which it is registered")
    digest: str = Field(
        description="of name, version, configuration without paths, ids, places, groups, "
        "attributes, sizes of files, and how these are read"
    )
    photos: int = Field(description="rows of its table")
    promised: int = Field(description="photos that the source promised")
    broken: dict[str, int] = Field(
        description="why promised photos are not in the table -> how many"
    )
    unread: dict[str, int] | None = Field(
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

    file: str = Field(
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
    block_rows: int | None = Field(
        default=None,
        description="rows of the EqualAreaGrid whose cells are blocks; null for a dataset without "
        "a reach",
    )


@final
class StoredPart(Document):
    """A part, and where its photos lie."""

    folder: str = Field(description="part -> its folder in runs/")
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

    part: str = Field(description="one entry per record: its part")
    label: str = Field(description="its label; labels are stored here alone")
    method: str = Field(description="the method's name")
    origin: Origin = Field(description="`trained`, `external` or `released`")
    trained_on: str | None = Field(
        default=None,
        description="what released weights have seen; that of a method's components is listed in "
        "`components`, which is absent of others",
    )
    seed: int = Field(description="the training")
    record_key: str = Field(description="the record key")
    folder: str = Field(description="the record's folder in runs/")
    files: dict[str, str] = Field(description="name -> digest of every file of the record")
    components: list[SeenByWeights] | None = None
    gallery: str | None = Field(
        default=None,
        description="of a retrieval method: what places it can answer with; absent of others",
    )


_PICTURE = re.compile(r"figures/(?!\.)[^/\\\0]+")


def _in_figures(path: str) -> str:
    if not _PICTURE.fullmatch(path):
        raise ValueError("a picture lies in figures/")
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
    limit: int | None = Field(description="`--limit`")
    dataset: StoredDataset
    maps: dict[str, SplitMap]
    parts: dict[str, StoredPart]
    rows: list[ManifestRow]
    missing: list[str] = Field(
        description="records that are not there yet, `<part> / <label> / <seed>`"
    )
    tables: dict[str, str] | None = Field(
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

    @property
    def pictures(self) -> list[StoredPicture]:
        """The pictures among what `figures` lists."""
        return [each for each in self.figures or [] if isinstance(each, StoredPicture)]

    @property
    def datasets(self) -> list[StoredDataset]:
        """The benchmark's dataset, and that of every part, in order."""
        return [self.dataset, *(part.dataset for part in self.parts.values())]
