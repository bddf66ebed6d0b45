"""geoclip with the authors' weights against their package `geoclip`, in one run.

    pip install --no-deps 'geoclip>=1.3'
    python perf/geoclip_speed.py inference
    python perf/geoclip_speed.py training

Inference is from features, over the released gallery of 100,000 places: the package embeds the
gallery again at every call. Its image encoder and its face, which imports transformers, are left
out on both sides. Training is one step of the paper's sizes: 512 photos, 4,096 places in the queue.
"""

import argparse
import logging
import sys
import tempfile
import types
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from turns import compare, least

from geobench import Context, Examples, Labelled, Rows, geo
from geobench_geoclip.config import GeoClipConfig
from geobench_geoclip.contrast import Contrast, ContrastiveLoss
from geobench_geoclip.embedding import of_places
from geobench_geoclip.method import GeoClip
from geobench_geoclip.network import GeoClipNetwork
from geobench_geoclip.release import FEATURES, Release
from geobench_torch import Batch

log = logging.getLogger("geoclip_speed")


def main() -> None:
    """Time what is asked for."""
    about, _, more = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["inference", "training"])
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    log.info("torch on %d threads", torch.get_num_threads())
    inference() if wanted.what == "inference" else training()


@torch.no_grad()
def inference() -> None:
    """Embedding the gallery, restoring, one photo and 256 photos."""
    theirs, release = official(), Release.find(None)
    places = release.places()
    theirs_in = torch.tensor(places, dtype=torch.float32)
    head = release.network()
    rows = np.random.default_rng(0).standard_normal((256, FEATURES), dtype=np.float32)

    def official_embeddings() -> Tensor:
        return torch.as_tensor(functional.normalize(theirs(theirs_in), dim=1))

    def official_answer(count: int) -> Callable[[], Tensor]:
        def answer() -> Tensor:
            photos = functional.normalize(head.head(torch.tensor(rows[:count])), dim=1)
            logits = 1 / head.temperature * photos @ official_embeddings().T
            return logits.softmax(dim=1).topk(5, dim=1).indices

        return answer

    nobody = examples(rows[:0])
    with tempfile.TemporaryDirectory() as name:
        context = Context(seed=0, cache_root=Path(name))
        compare(
            "embedding the gallery", official_embeddings, lambda: of_places(head, places, context)
        )
        for search in ("exact", "half"):
            method = GeoClip(GeoClipConfig(**GeoClip.presets["released"], search=search))
            method.fit(nobody, nobody, context)
            again = GeoClip(method.config)
            seconds = least(partial(again.restore, method.state(), nobody, context))
            log.info("search: %s: restoring with the cache %.3f s", search, seconds)
            for count in (1, 256):
                asked = examples(rows[:count]).unlabelled()
                compare(
                    f"search: {search}: answering {count} photo(s)",
                    official_answer(count),
                    partial(answer, method, asked, context),
                )


def training() -> None:
    """One step, forward and backward, with the optimizer's."""
    config = GeoClipConfig(**GeoClip.presets["paper"])
    points = geo.uniform(20_000, np.random.default_rng(0))
    torch.manual_seed(0)
    ours = Contrast(GeoClipNetwork(FEATURES, config), photos=len(points), queue=config.queue)
    loss = ContrastiveLoss(points, config, device="cpu")
    batch = Batch(torch.arange(config.batch), torch.randn(config.batch, FEATURES))
    theirs = nn.ModuleList([official(), GeoClipNetwork(FEATURES, config).head])
    scale = nn.Parameter(torch.tensor(2.66))
    places = torch.tensor(points, dtype=torch.float32)

    def official_loss() -> Tensor:
        given = torch.cat([places[: config.batch], places[-config.queue :]])
        photos = functional.normalize(theirs[1](batch.features), dim=1)
        logits = scale.exp() * photos @ functional.normalize(theirs[0](given), dim=1).T
        return functional.cross_entropy(logits, torch.arange(config.batch))

    def step(network: nn.Module, cost: Callable[[], Tensor]) -> Callable[[], None]:
        optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate)

        def once() -> None:
            with torch.enable_grad():
                optimizer.zero_grad()
                cost().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
                optimizer.step()

        return once

    compare(
        "a step of training", step(theirs, official_loss), step(ours, lambda: loss(ours, batch))
    )


def answer(method: GeoClip, photos: Examples, context: Context) -> Any:
    """Our answers, with the density around them."""
    return method.predict(photos, context).point()


def examples(features: np.ndarray[Any, np.dtype[np.float32]]) -> Labelled:
    """Photos with these features (N, D), all at one place."""
    ids = np.array([f"photo-{number}" for number in range(len(features))], dtype=np.str_)
    return Labelled(ids, np.zeros((len(features), 2)), pooled=Rows([features]))


def official() -> nn.Module:
    """The package's location encoder with its weights."""
    spec = find_spec("geoclip")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("The package geoclip is not installed: pip install --no-deps geoclip")
    root = Path(next(iter(spec.submodule_search_locations)))
    for name, folder in (("geoclip", root), ("geoclip.model", root / "model")):
        module = types.ModuleType(name)
        module.__path__, module.__spec__ = [str(folder)], spec
        sys.modules[name] = module
    from geoclip.model.location_encoder import LocationEncoder

    found: nn.Module = LocationEncoder(from_pretrained=True)
    return found


if __name__ == "__main__":
    main()
