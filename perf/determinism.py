"""What changes the bytes of in-tree methods and encoders on one machine, and by how much.

    python perf/determinism.py
    python perf/determinism.py --only grid --only im2gps --photos 2400
    python perf/determinism.py --threads --workers

Every method with the configuration of its `tiny`, fitted and asked in a process of its own for
each setting: again with other hashes of strings, with more threads, and with the kernels that
older processors take. Every encoder, with its pictures prepared by one, two and four workers. The
table says `same` where states, answers, log-densities and draws are the same bytes, or else how far
answers moved (km), log-densities (nats) and numbers of the state (relative to the largest).
"""

import argparse
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from geobench import Density, Encoder, Method, geo
from geobench.catalogue import installed
from geobench.encoders import Features
from geobench.features import workers
from geobench.features.batches import in_batches
from geobench.testing.method_photos import MethodPhotos
from geobench.testing.method_subject import MethodSubject
from geobench.testing.prediction_snapshot import PredictionSnapshot
from geobench.testing.subject import Subject
from geobench.toy_planet import ToyPlanet, ToyPlanetConfig

log = logging.getLogger(__name__)

Arrays: TypeAlias = dict[str, NDArray[Any]]
Setting: TypeAlias = Mapping[str, str]

_ONE: Setting = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "1",
}
_AVX512 = [
    *("AVX512F", "AVX512CD", "AVX512_SKX", "AVX512_CLX"),
    *("AVX512_CNL", "AVX512_ICL", "AVX512_SPR", "X86_V4"),
]


def _threads(count: int) -> Setting:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return dict.fromkeys(names, str(count))


PROCESSES: Mapping[str, Setting] = {"again": {"PYTHONHASHSEED": "2"}}
THREADS: Mapping[str, Setting] = {"2 threads": _threads(2), "4 threads": _threads(4)}
KERNELS: Mapping[str, Setting] = {
    "BLAS of Haswell": {"OPENBLAS_CORETYPE": "Haswell", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "torch AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    "numpy AVX2": {"NPY_DISABLE_CPU_FEATURES": " ".join(_AVX512)},
    "all of a processor without AVX": {
        "OPENBLAS_CORETYPE": "Nehalem",
        "MKL_CBWR": "COMPATIBLE",
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "NPY_DISABLE_CPU_FEATURES": " ".join([*_AVX512, "AVX2", "FMA3", "X86_V3"]),
        "FAISS_OPT_LEVEL": "generic",
    },
}
"""What libraries take for the processor's best; each ignores what it does not know."""


def main() -> int:
    """Measure every setting and print the table; 1 where a process or a worker changed a byte."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", help="a method or encoder; repeatable")
    parser.add_argument("--photos", type=int, default=600, help="of the toy planet")
    parser.add_argument("--threads", action="store_true", help="threads alone, no kernels")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    log.setLevel(logging.INFO)
    if wanted.measure is not None:
        np.savez(wanted.measure, allow_pickle=False, **_measured(wanted.only, wanted.photos))
        return 0
    settings = {**PROCESSES, **THREADS, **({} if wanted.threads else KERNELS)}
    first = _in_process(_ONE, wanted)
    rows = {name: [name] for name in _names(first)}
    for setting in settings.values():
        other = _in_process({**_ONE, **setting}, wanted)
        for name, row in rows.items():
            row.append(moved(_of(first, name), _of(other, name)))
    log.info(tabulate(rows.values(), headers=["", *settings], tablefmt="pipe"))
    bad = [name for name, row in rows.items() if row[1] != "same"]
    bad += [name for name in rows if not _same_of_workers(_of(first, name))]
    for name in bad:
        log.info("%s: another process or another number of workers changes its bytes", name)
    return int(bool(bad))


def _names(found: Arrays) -> list[str]:
    return list(dict.fromkeys(name.split("/")[0] for name in found))


def _of(found: Arrays, name: str) -> Arrays:
    return {key: found[key] for key in found if key.split("/")[0] == name}


def moved(first: Arrays, second: Arrays) -> str:
    """How far the second lies from the first, for a reader; `same` if they are the same bytes."""
    if first.keys() != second.keys():
        return "another state"
    changed = [key for key in first if not _same(first[key], second[key])]
    if not changed:
        return "same"
    if any(first[key].shape != second[key].shape for key in changed):
        return "other shapes"
    said = []
    for key in changed:
        one, other = first[key], second[key]
        what = key.split("/", 1)[1]
        if what in ("answers", "draws"):
            said.append(f"{what} {geo.distance_km(one, other).max():.1g} km")
        elif what == "log-densities":
            said.append(f"{what} {_largest(one, other):.1g} nats")
    states = [key for key in changed if "/state/" in key]
    if states:
        worst = max(_relative(first[key], second[key]) for key in states)
        said.append(f"state {worst:.1g}")
    return ", ".join(said) or "another state"


def _same(a: NDArray[Any], b: NDArray[Any]) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def _largest(a: NDArray[Any], b: NDArray[Any]) -> float:
    with np.errstate(invalid="ignore"):
        return float(np.nan_to_num(np.abs(a - b)).max(initial=0.0))


def _relative(a: NDArray[Any], b: NDArray[Any]) -> float:
    if a.dtype.kind not in "fiu":
        return float("inf")
    a, b = a.astype(np.float64), b.astype(np.float64)
    scale = float(np.abs(a[np.isfinite(a)]).max(initial=0.0))
    return _largest(a, b) / scale if scale else float(_largest(a, b) > 0)


def _same_of_workers(found: Arrays) -> bool:
    """Whether the features that two and four workers prepared are those of one process."""
    prepared = [found[key] for key in found if "/state/features of " in key]
    return all(_same(prepared[0], each) for each in prepared[1:])


def _in_process(setting: Setting, wanted: argparse.Namespace) -> Arrays:
    """What is found in a new process with these variables."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "found.npz"
        words = [sys.executable, __file__, "--measure", str(path), "--photos", str(wanted.photos)]
        words += [word for name in wanted.only or [] for word in ("--only", name)]
        begin = time.perf_counter()
        subprocess.run(words, env={**os.environ, **setting}, check=True)
        log.info("%.0f s with %s", time.perf_counter() - begin, dict(setting))
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored}


def _measured(only: list[str] | None, photos: int) -> Arrays:
    """All that methods and encoders give, by `name/what`."""
    MethodPhotos.planet = ToyPlanet(ToyPlanetConfig(photos=photos))
    found: Arrays = {}
    kinds: dict[str, Any] = {"method": of_method, "encoder": of_encoder}
    for kind, findings in kinds.items():
        for entry in installed().of_kind(kind):
            name = entry.plugin.name
            if not only or name in only:
                found |= {f"{name}/{what}": array for what, array in findings(entry.plugin)}
    return found


def of_method(plugin: type[Method]) -> Iterator[tuple[str, NDArray[Any]]]:
    """State, answers, log-densities and draws of a method that was fitted, stored and restored."""
    subject = MethodSubject(plugin)
    fitted = subject.of_seed(0)
    for name, array in sorted(fitted.state.items()):
        yield f"state/{name}", array
    prediction = subject.ask(fitted.restored)
    said = PredictionSnapshot.of(prediction)
    yield "answers", said.point
    if isinstance(prediction, Density) and said.log_prob is not None:
        yield "log-densities", said.log_prob
    yield "draws", prediction.sample(3, np.random.default_rng(5))


def of_encoder(plugin: type[Encoder]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Features of pictures that one process, two workers and four have prepared."""
    subject = Subject(plugin)
    encoder, planet = subject.make(), ToyPlanet()
    rows = np.arange(40)
    if encoder.reads == "features":
        yield "state/features", _pooled(in_batches(encoder, [planet.features(rows)], tokens=False))
        return
    for count in (1, 2, 4):
        with (
            patch.object(workers, "count", lambda count=count: count),
            patch.object(workers, "_PARALLEL_FROM", 1),
            workers.blocks(encoder, planet, rows, subject.folder()) as blocks,
        ):
            prepared = np.concatenate([block.values for block in blocks])
        features = in_batches(encoder, [prepared], tokens=False)
        yield f"state/features of {count} workers", _pooled(features)


def _pooled(features: Features) -> NDArray[Any]:
    assert features.pooled is not None
    return np.asarray(features.pooled)


if __name__ == "__main__":
    sys.exit(main())
