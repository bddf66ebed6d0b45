"""What a gallery of millions of places takes to embed, to index and to answer with.

    python perf/geoclip_memory.py                        # 5.1 million places, the paper's sizes
    python perf/geoclip_memory.py --sizes embedded       # with those of the embedded benchmark
    python perf/geoclip_memory.py --rows 500             # 0.3 million

Weights are those that a training begins with: they decide no size and no time. Anonymous memory is
what a machine must have; embeddings lie in a file that is mapped, and are read where they are
needed. It is looked at every tenth of a second.
"""

import argparse
import logging
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from geobench import Context, Examples, Gallery, Labelled, Rows
from geobench_geoclip.gallery import EmbeddedGallery
from geobench_geoclip.method import GeoClip
from geobench_geoclip.network import GeoClipNetwork
from geobench_geoclip.release import FEATURES

log = logging.getLogger("geoclip_memory")


def main() -> None:
    """Build the gallery, ask it, build it again from the cache, and say what each took."""
    about, _, more = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=2000, help="of the grid of places")
    parser.add_argument("--sizes", choices=["paper", "embedded"], default="paper")
    parser.add_argument("--search", choices=["exact", "half", "lists"], default="half")
    parser.add_argument("--folder", type=Path, help="of the cache, on a disk with room")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    gallery = Gallery(source="grid", rows=wanted.rows)
    sizes = GeoClip.presets["paper"] if wanted.sizes == "paper" else {}
    method = GeoClip(GeoClip.Config(**{**sizes, "gallery": gallery, "search": wanted.search}))
    torch.manual_seed(0)
    network = GeoClipNetwork(FEATURES, method.config).eval()
    nobody = Labelled(np.array([], dtype=np.str_), np.zeros((0, 2)))
    rows = np.random.default_rng(0).standard_normal((256, FEATURES), dtype=np.float32)
    photos = Examples(np.array([str(k) for k in range(256)])).with_features(
        {"pooled": Rows([rows])}
    )
    with tempfile.TemporaryDirectory(dir=wanted.folder) as name:
        context = Context(seed=0, cache_root=Path(name))
        with measured("make the places"):
            places = method.places(nobody)
        log.info("%s places", f"{len(places):,}")
        with measured("embed and index them"):
            found = EmbeddedGallery.of(network, places, method.config, context)
        with measured("answer 256 photos"):
            found.nearest(photos, method.config.k, device="cpu")
        del found
        with measured("read them from the cache"):
            found = EmbeddedGallery.of(network, places, method.config, context)
        with measured("answer 256 photos"):
            found.nearest(photos, method.config.k, device="cpu")


@contextmanager
def measured(what: str) -> Iterator[None]:
    """Say how long it took, and the most anonymous memory of the process meanwhile."""
    most, over = [_anonymous()], threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            most.append(_anonymous())

    looking = threading.Thread(target=look, daemon=True)
    begin = time.perf_counter()
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join()
        seconds = time.perf_counter() - begin
        log.info("%-26s %8.1f s, at most %6.2f GiB", what, seconds, max(most) / 2**30)


def _anonymous() -> int:
    """Bytes of this process that no file holds (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("RssAnon:")]
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
