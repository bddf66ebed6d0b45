"""What `grid` costs at many classes, beside what cannot be spared: python perf/class_ratios.py.

A step with soft labels, in units of forward, loss and backward with hard ones; memory of predicting
and sampling 1,024 photos, in units of their logits. On one thread.
"""

import argparse
import logging
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from classes import labelled
from ratios import ratios
from torch.nn import functional

from geobench import Context, geo
from geobench.scoring.costs import peak_memory, start_measuring_memory
from geobench_cells import Classes, learning
from geobench_cells.config import TargetChoice
from geobench_cells.learning import ClassLoss
from geobench_grid.method import Grid, GridConfig
from geobench_torch import Batch
from geobench_torch.loop import _Training

_WIDTH = 1876  # of features in a step: that of im2gps's encoder
_ASKED = 1024  # photos that are answered, and drawn 16 times each
_PLACES = GridConfig(max_photos=1, min_photos=1, steps=1, batch=1, evaluations=1)

log = logging.getLogger("class_ratios")


def main() -> None:
    """Print the ratios; memory is that of a process of its own, which has done nothing else."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--classes", type=int, default=17_647)
    parser.add_argument("--batch", type=int, default=256, help="photos of a step")
    parser.add_argument("--answer", type=Path, help="only answer, from this file of a state")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    if wanted.answer is not None:
        _answer(wanted.answer, wanted.classes)
        return
    _step(wanted.classes, wanted.batch)
    with tempfile.TemporaryDirectory() as folder:
        state, method = Path(folder) / "state.npz", Grid(_PLACES)
        photos = labelled(10 * wanted.classes, wanted.classes, "train")
        method.fit(photos, photos.take(np.arange(8)), Context(seed=0))
        np.savez(state, allow_pickle=False, **method.state())
        flags = ["--answer", str(state), "--classes", str(wanted.classes)]
        subprocess.run([sys.executable, __file__, *flags], check=True)


def _step(classes: int, batch: int) -> None:
    rng, context = np.random.default_rng(0), Context(seed=0)
    places, labels = geo.uniform(classes, rng), rng.integers(classes, size=batch)
    known = Classes(np.arange(classes), places, labels, np.zeros(batch, bool))
    config = GridConfig()
    network = Grid(config).network({"pooled": (_WIDTH,)}, [classes])
    photos = Batch(torch.arange(batch), torch.randn(batch, _WIDTH))
    targets = torch.tensor(labels)
    hard, soft = (
        ClassLoss(known, places[labels], TargetChoice(soft_labels_km=km), device="cpu")
        for km in (None, config.soft_labels_km)
    )
    training = _Training(network, config, context)

    def bare() -> None:
        network.zero_grad()
        (logits,) = network(photos.features)
        cost = functional.cross_entropy(logits, targets)
        cost.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped

    def of(loss: ClassLoss) -> None:
        network.zero_grad()
        (logits,) = network(photos.features)
        cost = loss(logits, photos.positions)
        cost.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped

    def whole(loss: ClassLoss) -> None:
        training.update(lambda made, some: loss(made(some.features)[0], some.positions), photos)

    def at_once(step: Callable[[ClassLoss], None]) -> None:
        """A step whose targets are made for the whole batch."""
        before, learning._WHOLE = learning._WHOLE, sys.maxsize
        step(soft)
        learning._WHOLE = before

    found = ratios(
        bare,
        {
            "forward, loss and backward, targets of the batch at once": partial(at_once, of),
            "forward, loss and backward, in blocks": partial(of, soft),
            "with clipping and AdamW, hard labels": partial(whole, hard),
            "with clipping and AdamW, targets of the batch at once": partial(at_once, whole),
            "with clipping and AdamW, in blocks": partial(whole, soft),
        },
    )
    for what, ratio in found.items():
        log.info("a step of %d photos, %d classes, %s: %.2f", batch, classes, what, ratio)


def _answer(path: Path, classes: int) -> None:
    method, asked = Grid(_PLACES), labelled(_ASKED, classes, "test").unlabelled()
    with np.load(path, allow_pickle=False) as stored:
        method.restore(dict(stored), labelled(1, 1, "none"), Context(seed=0))
    few = asked.take(np.arange(2))
    method.predict(few, Context(seed=0)).sample(16, np.random.default_rng(0))  # loads what it needs
    start_measuring_memory()
    before = peak_memory("cpu").process
    method.predict(asked, Context(seed=0)).sample(16, np.random.default_rng(0))
    more = peak_memory("cpu").process - before
    logits = 4 * _ASKED * classes / 2**20
    log.info(
        "answers and draws of %d photos: %.0f MB, %.2f times the %.0f MB of their logits",
        _ASKED,
        more,
        more / logits,
        logits,
    )


if __name__ == "__main__":
    main()
