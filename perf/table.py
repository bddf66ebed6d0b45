"""How long a large leaderboard takes from stored arrays.

    python perf/table.py
    python perf/table.py --metrics full

The first has the three metrics of answers. The second has all of benchmarks/blue-marble-full.yaml,
those that store columns at `photos: all`.
"""

import argparse
import logging
import resource
import tempfile
import time
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from geobench import config, gazetteer, geo, records
from geobench.board.leaderboard import Leaderboard
from geobench.board.tables import KINDS, Tables, as_csv
from geobench.catalogue import installed
from geobench.geo import Floats, Places, Points
from geobench.metrics import SCORED, Metric
from geobench.records import DrawRule, Manifest, ManifestRow, Record, files, verdicts
from geobench.records.manifest import Asked, StoredComponent, StoredDataset, StoredPart
from geobench.records.record import (
    Environment,
    FitInputs,
    RecordedTask,
    Timings,
    TrainingDataset,
)

PART = "official/test"
FULL = Path(__file__).parents[1] / "benchmarks/blue-marble-full.yaml"


def main() -> None:
    """Make up the records of a part on disk; time the reading and every number of its tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=210_122, help="photos of the part")
    parser.add_argument("--methods", type=int, default=10, help="rows of the table")
    parser.add_argument("--units", type=int, default=20_000, help="photographers")
    parser.add_argument("--train", type=int, default=200_000, help="training photos")
    parser.add_argument(
        "--metrics", default="distance,accuracy,geoscore", help="names by commas, or `full`"
    )
    parser.add_argument("--profile", action="store_true", help="say where the time goes")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own, so that its memory is not counted.
        writer = get_context("spawn").Process(target=write_board, args=(folder, wanted))
        writer.start()
        writer.join()
        before = _peak_mb()
        start, cpu = time.perf_counter(), time.process_time()
        found = _profiled(folder) if wanted.profile else compute(folder)
        seconds, busy = time.perf_counter() - start, time.process_time() - cpu
    views = len({(row.slice, row.average) for row in found.rows})
    logging.info(
        "%d photos x %d methods: %d rows in %d views and %d points of curves in %.1f s "
        "(%.1f s of processors)",
        *(wanted.photos, wanted.methods, len(found.rows), views, len(found.curves)),
        *(seconds, busy),
    )
    logging.info("peak memory %.0f MB, %.0f MB before", _peak_mb(), before)


def compute(folder: Path) -> Tables:
    """Everything that `geobench report` computes but page and pictures."""
    found = Leaderboard(folder, installed()).tables()
    written: tuple[Sequence[Any], ...] = (
        found.rows,
        found.curves,
        found.costs,
        found.resolutions,
    )
    for rows, kind in zip(written, KINDS.values(), strict=True):
        as_csv(rows, kind)
    return found


def _profiled(folder: Path) -> Tables:
    import cProfile
    import pstats

    profile = cProfile.Profile()
    found: Tables = profile.runcall(compute, folder)
    pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
    return found


def write_board(folder: Path, wanted: argparse.Namespace) -> None:
    """A leaderboard of places like those of photos, each method off by its own distance."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rng = np.random.default_rng(0)
    towns = gazetteer.load()
    weights = (towns.population + 1.0) / (towns.population + 1.0).sum()

    def places(count: int) -> Points:
        chosen = towns.points[rng.choice(len(towns), count, p=weights)]
        return geo.wrap(
            geo.destination(chosen, rng.uniform(0, 360, count), rng.exponential(20, count))
        )

    truth, train = places(wanted.photos), places(wanted.train)
    known = Places(train)
    start = time.perf_counter()
    found, around = known.nearest(truth), known.count_within(truth, records.NEIGHBOURHOOD_KM)
    labels = gazetteer.nearest(truth)
    logging.info("nearest, neighbours and continents in %.1f s", time.perf_counter() - start)
    photos = np.arange(wanted.photos).astype(str)
    sizes = rng.lognormal(0, 1.5, wanted.units)
    people = rng.choice(wanted.units, wanted.photos, p=sizes / sizes.sum())
    arrays: dict[str, Any] = {
        "id": np.char.add("photo-", photos),
        "truth": truth,
        "unit": np.char.add("person-", people.astype(str)),
        "group": np.char.add("person-", people.astype(str)),
        "nearest": train[found.index],
        "novelty": found.distance_km,
        "neighbours": around,
        "slice.continent": labels.continent,
        "slice.population": gazetteer.populations(truth),
        "attribute.country": labels.country,
        "attribute.year": rng.integers(2004, 2014, wanted.photos).astype(np.float64),
    }
    runs = folder / "runs"
    files.write_arrays(runs / "official-test" / "part.npz", arrays)
    metrics = _metrics(wanted.metrics)
    rows = []
    for number in range(wanted.methods):
        away = rng.lognormal(np.log(200 * (1 + number)), 2, wanted.photos)
        answer = geo.wrap(geo.destination(truth, rng.uniform(0, 360, wanted.photos), away % 20_000))
        place = f"official-test/method-{number}"
        turned = geo.destination(answer, rng.uniform(0, 360, wanted.photos), away % 1000)
        drawn = {"answer": answer, "sample": geo.wrap(turned)}
        files.write_arrays(runs / place / "answer.npz", drawn)
        for metric in metrics:
            if metric.stores_columns:
                columns = _columns(metric, away % 20_000, rng)
                files.write_arrays(runs / place / f"{metric.file_stem}.npz", columns)
        files.write_stamped(runs / place / "record.json", _record().data)
        rows.append(_row(f"method-{number}", place))
    files.write_json(folder / "benchmark.json", _manifest(metrics, rows).data)


DIGEST = "0" * 64
"""Stands for every digest: nothing is verified here."""


def _shown(kind: str) -> StoredComponent:
    return StoredComponent(kind=kind, name="made-up", version=1, config={})


def _record() -> Record:
    """The record of an answered part that says nothing of costs."""
    dataset = TrainingDataset(name="made-up", digest=DIGEST)
    return Record(
        schema=records.LAYOUT,
        record_key=DIGEST,
        fit_key=DIGEST,
        fit=FitInputs(
            schema=records.KEYS,
            dataset=dataset,
            train=DIGEST,
            val=DIGEST,
            on_broken="exclude",
            features={},
            method=_shown("method"),
            seed=0,
            components=[],
        ),
        task=RecordedTask(
            digest=DIGEST, split=_shown("split"), part="test", test=DIGEST, dataset=DIGEST
        ),
        draws=DrawRule(chunk=1024, photos="all", samples=16),
        origin="trained",
        trained_on="",
        predicts="Atoms",
        plugin="",
        check=verdicts.NOT_CHECKED,
        environment=Environment(python="", platform="", processor="", packages={}, git={}),
        status="ok",
        timings=Timings(),
        device="cpu",
    )


def _row(name: str, place: str) -> ManifestRow:
    return ManifestRow(
        part=PART,
        label=name,
        method=name,
        origin="trained",
        seed=0,
        record_key=DIGEST,
        folder=place,
        files={},
    )


def _manifest(metrics: list[Metric], rows: list[ManifestRow]) -> Manifest:
    dataset = StoredDataset(
        name="made-up",
        digest=DIGEST,
        photos=0,
        promised=0,
        broken={},
        licence="",
        citation="",
        publishes="coordinates",
        on_earth=True,
    )
    asked = Asked(
        name="large",
        dataset=_shown("dataset"),
        encoder=None,
        splits=[],
        methods=[],
        metrics=[StoredComponent.model_validate(metric.identity()) for metric in metrics],
        samples=16,
        photos="all",
        seeds=[0],
        chunk=1024,
        on_broken="exclude",
    )
    part = StoredPart(
        folder="official-test", digest=DIGEST, dataset=dataset, sha256=DIGEST, facts={}
    )
    return Manifest(
        schema=records.LAYOUT,
        benchmark=asked,
        digest=DIGEST,
        limit=None,
        dataset=dataset,
        maps={},
        parts={PART: part},
        rows=rows,
        missing=[],
    )


def _metrics(names: str) -> list[Metric]:
    if names == "full":
        (benchmark,) = config.read(FULL, installed())
        return [metric.plugin for metric in benchmark.metrics]
    plugins: list[Any] = [installed().find("metric", name) for name in names.split(",")]
    return [plugin() for plugin in plugins]


def _columns(metric: Metric, away: Floats, rng: np.random.Generator) -> dict[str, Any]:
    """What a metric stores: columns that grow with the distance from the truth (N,), in km."""
    noise = rng.lognormal(0, 1, (len(metric.columns), len(away)))
    arrays: dict[str, Any] = {"mask": np.full(len(away), SCORED, np.uint8)}
    for name, each in zip(metric.columns, noise, strict=True):
        arrays[name] = np.asarray(away * each, np.float32)
    if metric.name == "nll":
        arrays["nll.worse-than-uniform"] = (away * noise[0] > 5000).astype(np.float32)
    if metric.name in ("calibration", "calibration-sampled"):
        # Levels in steps of 1/65, as of 64 samples, and now and then a tie.
        low = rng.binomial(64, np.clip(away / 20_000, 0.02, 0.98))
        high = low + 1 + (noise[0] > 3) * (low < 64)
        arrays["level-low"], arrays["level-high"] = np.float32(low / 65), np.float32(high / 65)
    if metric.name == "risk-coverage":
        arrays["error_km"] = away.astype(np.float32)
        arrays["confidence"] = (-away * noise[1]).astype(np.float32)
    return arrays


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
