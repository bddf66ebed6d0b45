"""The table of a page that says which photos of each dataset no method sees, and why."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, final

from geobench.markdown_text import code, named, plain, prose
from geobench.records import Manifest
from geobench.records.manifest import StoredDataset

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
