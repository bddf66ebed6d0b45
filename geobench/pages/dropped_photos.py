"""The table of a page that says which photos of each dataset no method sees, and why."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, final

from numpy.typing import NDArray

from geobench.markdown_text import code, named, plain, prose
from geobench.records import Manifest
from geobench.records.attributes import FEWEST
from geobench.records.manifest import StoredDataset
from geobench.records.parts import WITHHELD, WITHHELD_PHOTOS

_MOST = 10
"""The most reasons of a kind that a dataset has on a page; benchmark.json has all."""

_ABOUT = (
    "Photos that their source promises and that no method here sees, for training or in a test:"
)


def dropped(manifest: Manifest) -> list[str]:
    """The lines of the page: of every dataset, that of transfer targets too; none where nothing
    was dropped."""
    from tabulate import tabulate

    rows = [row for each in _named(manifest) for row in _rows(each)]
    if not rows:
        return []
    cells = [[f"{row.photos:,}", row.of, plain(row.why)] for row in rows]
    head = ["photos", "of", "why"]
    align = ("right", "left", "left")
    table = tabulate(cells, head, tablefmt="github", disable_numparse=True, colalign=align)
    return [_ABOUT, "", table, ""]


def withheld(arrays: Mapping[str, NDArray[Any]]) -> list[str]:
    """The lines of a part that say which values of attributes are not shown; none where all are.

    Args:
        arrays: of its part.npz.
    """
    names, photos = (arrays[name].tolist() if name in arrays else [] for name in _WITHHELD)
    told = [f"{code(n)} of {k:,} photos" for n, k in zip(names, photos, strict=True) if k]
    return [f"Not shown, nor sliced by: {', '.join(told)}. {_UNDECLARED}", ""] if told else []


_WITHHELD = (WITHHELD, WITHHELD_PHOTOS)
_UNDECLARED = (
    f"Of attributes that are not declared only values that {FEWEST} photos share are published, "
    "and no addresses; numbers that differ are shown as thirds."
)


@final
class _Named(NamedTuple):
    dataset: StoredDataset
    parts: list[str]


@final
class _Row(NamedTuple):
    photos: int
    of: str
    why: str


def _named(manifest: Manifest) -> list[_Named]:
    """Each dataset once, with the parts from elsewhere whose photos are its."""
    found = {manifest.dataset.digest: _Named(manifest.dataset, [])}
    for label, part in manifest.parts.items():
        tested = found.setdefault(part.dataset.digest, _Named(part.dataset, []))
        if part.dataset.digest != manifest.dataset.digest:
            tested.parts.append(label)
    return list(found.values())


def _rows(each: _Named) -> Iterator[_Row]:
    about = each.dataset
    tested = f" ({', '.join(map(named, each.parts))})" if each.parts else ""
    of = f"{about.promised:,} of {prose(about.title) or code(about.name)}{tested}"
    yield from _listed(of, about.broken, "")
    unexplained = about.promised - about.photos - sum(about.broken.values())
    if unexplained > 0:
        yield _Row(unexplained, of, "the dataset gives no reason")
    yield from _listed(of, about.unread or {}, "picture cannot be read: ")


def _listed(of: str, reasons: Mapping[str, int], what: str) -> Iterator[_Row]:
    ordered = sorted(reasons.items(), key=lambda each: -each[1])
    for why, count in ordered[:_MOST]:
        yield _Row(count, of, f"{what}{why}")
    if rest := ordered[_MOST:]:
        yield _Row(sum(count for _, count in rest), of, f"{what}{len(rest)} further reasons")
