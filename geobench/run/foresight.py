"""Foresight: what is known before anything runs of answers that were made elsewhere."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from geobench import subsets
from geobench.assignments import Assignment, Part
from geobench.components import Component
from geobench.errors import GeobenchError
from geobench.methods import Context, Method
from geobench.run.named_methods import with_components
from geobench.run.suspicions import suspicions
from geobench.splits import Split


def answered_by_all(
    split: Component[Split], drawn: Assignment, methods: Iterable[Component[Method]]
) -> Assignment:
    """The parts of a split, where its key `only` asks for that with the photos alone that no
    method is known to decline, of those that answer the part.

    Raises:
        DataError: no photo is left.
    """
    if split.plugin.config.only != subsets.ANSWERED_BY_ALL:
        return drawn
    chosen = {part.name: np.ones(len(part), bool) for part in drawn.parts}
    everyone = {f"{split.label}/{part.name}": part.dataset.table.ids for part in drawn.parts}
    context = Context(seed=0, part_ids=ids_of(split.label, drawn.parts), dataset_ids=everyone)
    for method in methods:
        for label, points in _foreseen(method.plugin, context).items():
            chosen[label.removeprefix(f"{split.label}/")] &= np.isfinite(points).all(axis=-1)
    where = f"split {split.label}"
    return subsets.cut(drawn, chosen, name=subsets.ANSWERED_BY_ALL, where=where)


def ids_of(split: str, parts: Iterable[Part]) -> dict[str, NDArray[np.str_]]:
    """The ids of the parts of a split, by label; of a subset those of the whole part."""
    return {f"{split}/{part.name}": (part.subset_of or part).ids for part in parts}


def forewarnings(
    method: Component[Method],
    parts: Mapping[str, Part],
    *,
    known_ids: Mapping[str, NDArray[np.str_]],
) -> Iterator[str]:
    """Why a method will fail, and what is odd about its answers, where that is known by now.

    Args:
        method: of which nothing has run yet.
        parts: label -> test part.
        known_ids: label -> all ids that may be answered.
    """
    ids = {label: part.ids for label, part in parts.items()}
    everyone = {label: part.dataset.table.ids for label, part in parts.items()}
    context = Context(
        seed=0,
        method=method.plugin.name,
        part_ids=ids,
        known_ids=known_ids,
        dataset_ids=everyone,
    )
    try:
        for plugin in with_components(method.plugin):
            plugin.check(context)
    except GeobenchError as error:
        yield f"{method.label} will fail: {error}"
    for label, points in _foreseen(method.plugin, context).items():
        given = np.isfinite(points).all(axis=-1)
        for text in suspicions(points[given], parts[label].points[given]):
            yield f"{method.label} on {label}: {text}"


def _foreseen(method: Method, context: Context) -> Mapping[str, NDArray[np.float64]]:
    """What a method will say; nothing of one that cannot, which says why when it is checked."""
    try:
        return method.foresee(context)
    except GeobenchError:
        return {}
