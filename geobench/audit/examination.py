"""What an audit looks at: the dataset, its pictures, and a split of it."""

from geobench.assignments import Assignment
from geobench.audit import contents, coordinates, duplicates, leakage
from geobench.audit.findings import Audit, Section
from geobench.audit.fingerprints import Looked, look
from geobench.data import Dataset, smallest_by_hash
from geobench.progress import Track, untracked
from geobench.splits import Split


def examine(
    dataset: Dataset,
    split: Split | None = None,
    *,
    label: str = "",
    photos: int | None = None,
    track: Track = untracked,
) -> Audit:
    """Look at a dataset and, if one is given, at what a split of it lets leak.

    Args:
        dataset: what is looked at.
        split: drawn over it; no leakage is looked for without one.
        label: the split's; its name unless given.
        photos: look at the pictures of at most so many photos of each dataset, those with the
            smallest hash of id; all by default. Coordinates and tables are always looked at whole.
        track: shows how far the reading of pictures is.

    Raises:
        DataError: a dataset or a split that does not keep what it promises.
    """
    table = dataset.table
    found = coordinates.check(dataset)
    sections = [contents.counts(dataset), contents.groups(dataset), contents.attributes(dataset)]
    sections.append(found.section)
    assignment = None if split is None else split.assign(dataset)  # before the long work
    looked: dict[int, Looked] = {}
    for each in _datasets(dataset, assignment):
        if "images" in each.provides:
            rows = smallest_by_hash(each.table.ids, photos or len(each.table))
            looked[id(each)] = look(each, rows, track=track)
    if own := looked.get(id(dataset)):
        alike = duplicates.Lookalikes([own])
        sections.append(duplicates.check(own, alike, total=len(table)))
    else:
        sections.append(Section("Pictures", "The dataset has none: near-duplicates skipped.", ()))
    if split is None or assignment is None:
        return Audit(dataset, tuple(sections), doubtful=found.marks)

    label = label or split.name
    sections.append(leakage.sizes(label, assignment))
    marks = []
    for part in assignment.parts:
        together = None
        if own and part.dataset is dataset:
            together = alike
        elif own and (other := looked.get(id(part.dataset))):
            together = duplicates.Lookalikes([own, other])
        leak = leakage.check(part, assignment, label, alike=together)
        sections.append(leak.section)
        if part.dataset.publishes != "scores":
            marks.append(leak.mark)
    leaking = tuple(mark for mark in marks if len(mark.points))
    return Audit(dataset, tuple(sections), label, assignment, found.marks, leaking)


def _datasets(dataset: Dataset, assignment: Assignment | None) -> list[Dataset]:
    """The dataset, and those of test parts that lie elsewhere."""
    found = {id(dataset): dataset}
    if assignment is not None and (len(assignment.train) or len(assignment.val)):
        found |= {id(part.dataset): part.dataset for part in assignment.parts}
    return list(found.values())
