"""What exact neighbours take beside bare FAISS: python perf/neighbours.py [--k 16 48 120].

Both search the same vectors for as many neighbours, on one thread. Bare FAISS gives them in the
order that float32 makes; `ExactIndex` measures in float64 those that may be among the nearest.
"""

import argparse
import logging
from functools import partial

import faiss
import numpy as np
from numpy.typing import NDArray
from ratios import ratios

from geobench_retrieval.exact import ExactIndex

log = logging.getLogger("neighbours")


def main() -> None:
    """Print a ratio for each number of neighbours."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--k", type=int, nargs="+", default=[16, 48], help="neighbours")
    parser.add_argument("--width", type=int, default=1876, help="of vectors: that of im2gps's")
    parser.add_argument("--vectors", type=int, default=8000, help="that are searched")
    parser.add_argument("--queries", type=int, default=1024, help="at once")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    faiss.omp_set_num_threads(1)
    rng = np.random.default_rng(0)
    vectors, queries = (_made(n, wanted.width, rng) for n in (wanted.vectors, wanted.queries))
    bare, exact = faiss.IndexFlatL2(wanted.width), ExactIndex(vectors, device="cpu", log=log)
    bare.add(vectors)
    for k in wanted.k:
        found = ratios(
            partial(bare.search, queries, k), {"exact": partial(exact.search, queries, k)}
        )
        log.info("%d neighbours: %.2f times bare FAISS", k, found["exact"])


def _made(count: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Directions, (count, width), all numbers of which are positive, as those of histograms are."""
    rows = rng.random((count, width), dtype=np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


if __name__ == "__main__":
    main()
