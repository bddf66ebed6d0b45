"""Mapping: what trained methods say of a few photos of each part, kept in their records."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from geobench import drafts, geo
from geobench.answers import Answers
from geobench.config.benchmark import Benchmark
from geobench.data import BrokenPicture, Image, Indices, smallest_by_hash
from geobench.errors import PredictionError, of_the_system, said_by, sentence
from geobench.geo import Floats
from geobench.partitions import EqualAreaGrid
from geobench.predictions import Density, Prediction
from geobench.records import MAP, StoredRecord, files
from geobench.records.stored_records import MAP_CELL_ROWS
from geobench.records.workspace import Workspace
from geobench.run import manifest, plan, recording
from geobench.run.cell_densities import cell_log_densities, solved_cell_log_densities
from geobench.run.execution import Execution, Options, Reporter
from geobench.run.named_methods import wanted
from geobench.run.plan import Evaluation, Plan, Training
from geobench.scoring.score_part import Protocol

SAMPLES = 100
"""Draws that are kept of each photo."""
PATHS = 25
"""Trajectories that are kept of each photo, where a prediction has them."""
STEPS = 64
"""The most places of a trajectory that are kept, both ends among them."""
DENSITY_DRAWS = 10_000
"""Draws of each photo that tell how dense its cells are; they are not kept."""
SOLVES = 1000
"""The most log-densities that a photo is asked for, where each is work of its own."""
SOLVED_DRAWS = 2500
"""Draws, in place of DENSITY_DRAWS, where they are solved, too."""
PIXELS = 96
"""The most on each side of a picture that is kept."""


@final
@dataclass(slots=True)
class Mapped:
    """What `add` did: which records have a map now, why others have none, and where they lie."""

    board: Path
    added: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def add(
    benchmark: Benchmark,
    workspace: Workspace,
    *,
    photos: int,
    options: Options,
    reporter: Reporter,
) -> Mapped:
    """Add `map.npz` to the records of a benchmark, then rewrite what names and draws them.

    Nothing is trained: methods are restored from their stored states. Of several trainings of a
    method it is the first that is asked. A record whose map cannot be made is left as it is.

    Args:
        benchmark: as it was run.
        workspace: where its records and states lie.
        photos: how many of each part, see `chosen`.
        options: `only`, `limit`, `device` and `figures` are looked at.
        reporter: who is told.

    Raises:
        GeobenchError: the benchmark cannot be planned.
        LinkError: a link lies where results would be written.
        StoreError: what lies there was made by a newer geobench.
    """
    planned = plan.make(benchmark, workspace, limit=options.limit)
    manifest.refuse(planned, planned.trainings())
    last = manifest.last_made(planned)
    mapped = Mapped(planned.board)
    execution = Execution(planned, options, reporter)
    for training in _first_trainings(planned, options.only):
        try:
            _add_training(execution, training, mapped, photos=photos)
        except (Exception, SystemExit) as error:
            if isinstance(error, OSError) and of_the_system(error):
                said = sentence(error)
            else:
                said = said_by(error)
            mapped.problems.append(f"{training}: {said}")
    if mapped.added:
        mapped.problems += manifest.write(planned, last, pictures=options.figures).problems
    return mapped


def _first_trainings(planned: Plan, only: tuple[str, ...]) -> Iterator[Training]:
    seen = set()
    for training in planned.trainings():
        name = (training.split.label, training.method.label)
        if name not in seen and (not only or training.method.label in only):
            seen.add(name)
            yield training


def _add_training(execution: Execution, training: Training, mapped: Mapped, *, photos: int) -> None:
    planned = execution.plan
    reason = planned.absent.get(training.method.label)
    if reason is not None:
        raise reason
    with planned.lock(training, wait=True):
        records = list(_records(planned, training, mapped))
        lost = [each for each in training.with_components if not execution.states.is_stored(each)]
        # Asked before the first is restored: a component that is gone would be fitted there.
        if records and lost:
            mapped.problems.append(
                f"{lost[0]}: its trained state is not stored here, and nothing is trained for a "
                f"map. Run benchmark {planned.benchmark.name} in this workspace first."
            )
            return
        with drafts.scratch(planned.workspace.hidden) as scratch:
            for evaluation, record in records:
                arrays = _asked(
                    execution, training, evaluation, record, photos=photos, scratch=scratch
                )
                files.write_arrays(record.folder / MAP, arrays)
                mapped.added.append(f"{evaluation.label} / {training.method.label}")
                execution.reporter.say(f"{evaluation.label} / {training.method.label}: mapped")


def _records(
    planned: Plan, training: Training, mapped: Mapped
) -> Iterator[tuple[Evaluation, StoredRecord]]:
    """The records of a training that can have a map; of others it is said why not."""
    for evaluation in planned.evaluations(training):
        record = StoredRecord.read(evaluation.folder)
        if evaluation.part.dataset.publishes == "scores":
            remark = f"no map of {evaluation.label}: the dataset lets only scores be published"
            if remark not in mapped.remarks:
                mapped.remarks.append(remark)
        elif record is None or record.status not in ("ok", "not-answered"):
            status = "missing" if record is None else record.status
            mapped.problems.append(
                f"{training}: its record on {evaluation.label} is {status}, and there is nothing "
                "to add a map to. Run it first."
            )
        elif record.status == "not-answered":
            mapped.remarks.append(
                f"no map of {evaluation.label}: {training.method.label} does not answer it"
            )
        elif not len(evaluation.part):
            mapped.remarks.append(f"no map of {evaluation.label}: it has no photos")
        else:
            yield evaluation, record


def _asked(
    execution: Execution,
    training: Training,
    evaluation: Evaluation,
    record: StoredRecord,
    *,
    photos: int,
    scratch: Path,
) -> dict[str, NDArray[Any]]:
    """The arrays of `map.npz`, of a method that gives its recorded answers still."""
    planned, bench = execution.plan, execution.plan.benchmark
    context = execution.context(training, scratch)
    method = execution.answering(training, evaluation, context)
    known = recording.part_file(evaluation, training.assignment.train)
    rows = chosen(known["id"], known["novelty"], photos)
    examples = planned.inputs.examples(evaluation.part, wanted(method)).take(rows)
    prediction = method.predict(examples, context)
    if isinstance(prediction, Answers):  # as it was scored
        prediction = prediction.facing(known["truth"][rows])
    protocol = Protocol(
        training.seed, evaluation.task.digest, bench.chunk, bench.photos, bench.samples
    )
    arrays = shown(prediction, protocol.rng(0, 2), photos=len(rows))
    recording.refuse_other_answers(record, arrays["answer"], rows)
    if evaluation.part.dataset.publishes == "pictures" and examples.read is not None:
        arrays["picture"] = small_pictures(examples.images())
    return {"rows": rows, "id": known["id"][rows], **arrays}


def small_pictures(pictures: Iterable[Image | BrokenPicture]) -> NDArray[np.uint8]:
    """K > 0 pictures as squares of one size, (K, S, S, 3), S at most PIXELS.

    What is not square lies on white, what is smaller than the largest is made larger, and what is
    broken is white.
    """
    from PIL import Image as PillowImage
    from PIL import ImageOps

    small = []
    for picture in pictures:  # one at a time in memory, as they are read
        if isinstance(picture, BrokenPicture):
            small.append(PillowImage.new("RGB", (1, 1), "white"))
        else:
            whole = PillowImage.fromarray(picture).convert("RGB")
            whole.thumbnail((PIXELS, PIXELS))
            small.append(whole)
    side = max(max(each.size) for each in small)
    squares = [np.asarray(ImageOps.pad(each, (side, side), color="white")) for each in small]
    return np.stack(squares)


def chosen(ids: NDArray[np.str_], novelty: Floats, count: int) -> Indices:
    """Positions of the photos of a part that are shown, the same of all methods, (K,).

    Half of them are of the half of the part that lies nearer to training photos, half of the
    other; in each half those with the smallest hashes of id. They come in ascending novelty.

    Args:
        ids: of all photos of the part, (N,).
        novelty: their distances to the nearest training photo, (N,); NaN where nothing trains.
        count: how many; all, if there are fewer.
    """
    order = np.argsort(novelty, kind="stable")
    near, far = np.split(order, [len(order) // 2])
    few = count // 2
    of_near, of_far = smallest_by_hash(ids[near], few), smallest_by_hash(ids[far], count - few)
    return np.concatenate([near[of_near], far[of_far]])


def shown(
    prediction: Prediction, rng: np.random.Generator, *, photos: int
) -> dict[str, NDArray[Any]]:
    """What a prediction says of K photos, as `map.npz` keeps it.

    `answer` (K, 2), `samples` (K, SAMPLES, 2), `log_density` (K, cells) of a Density, and
    `trajectories` (K, PATHS, T, 2) of a prediction that has them.

    Raises:
        PredictionError: an array is of another shape, or holds NaN.
    """
    answer = _of_shape(geo.wrap(prediction.point(), name="answers"), (photos, 2), "answers")
    drawn = geo.wrap(prediction.sample(SAMPLES, rng), name="samples")
    arrays = {"answer": answer, "samples": _of_shape(drawn, (photos, SAMPLES, 2), "samples")}
    paths = prediction.trajectories(PATHS, rng)
    if paths is not None:
        paths = geo.wrap(paths, name="trajectories")
        steps = paths.shape[-2]
        paths = _of_shape(paths, (photos, PATHS, steps, 2), "trajectories")
        kept = np.rint(np.linspace(0, steps - 1, min(steps, STEPS))).astype(np.intp)
        arrays["trajectories"] = paths[:, :, kept].astype("f4")
    if isinstance(prediction, Density):  # last, since it uses the generator, too
        if prediction.density_is_solved:
            cells = solved_cell_log_densities(
                prediction, GRID, rng, draws=SOLVED_DRAWS, solves=SOLVES
            )
        else:
            cells = cell_log_densities(prediction, GRID, rng, draws=DENSITY_DRAWS)
        arrays["log_density"] = _of_shape(cells, (photos, len(GRID)), "log-densities").astype("f4")
    return arrays


GRID = EqualAreaGrid(MAP_CELL_ROWS)
"""The cells on which log-densities are kept."""


def _of_shape(array: Floats, shape: tuple[int, ...], what: str) -> Floats:
    if array.shape != shape or np.isnan(array).any():
        raise PredictionError(f"{what} of a map have shape {array.shape}, or hold NaN, not {shape}")
    return array
