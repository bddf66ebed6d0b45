"""What every method promises of its answers: types, one per photo, on the globe."""

from collections.abc import Mapping
from typing import get_args

import numpy as np
from pydantic import ValidationError

from geobench import geo
from geobench.errors import PredictionError
from geobench.methods import Method, Origin
from geobench.predictions import Density, Prediction
from geobench.testing.check import Failure, ensure
from geobench.testing.method_photos import PARTS
from geobench.testing.method_subject import MethodSubject
from geobench.testing.odd_photos import odd_photos
from geobench.testing.prediction_snapshot import PredictionSnapshot, ensure_same


def fits_and_answers(subject: MethodSubject) -> str:
    """It can be fitted, stored, made again from what was stored, and asked."""
    fitted = subject.of_seed(0)
    prediction = subject.prediction
    size = sum(array.nbytes for array in fitted.state.values())
    return f"{len(prediction)} photos, a state of {size / 1024:,.1f} KiB"


def declared_types(subject: MethodSubject) -> str:
    """What it declares is well formed, and `predict` returns the type that it `predicts`."""
    plugin, method = subject.plugin, subject.make()
    subject.ensure_configured()
    ensure(
        type(plugin.version) is int and plugin.version > 0,
        f"version is {plugin.version!r}",
        "It is a positive integer, raised when the method's numbers change.",
    )
    origins = get_args(Origin)
    ensure(method.origin in origins, f"origin is {method.origin!r}, none of {', '.join(origins)}")
    ensure(
        method.origin != "released" or method.trained_on,
        "its weights are released, and trained_on does not say what they have seen",
    )
    ensure(
        isinstance(method.wants, frozenset) and method.wants <= {"pooled", "tokens"},
        f"wants is {method.wants!r}",
        'It is a frozenset of "pooled" and "tokens".',
    )
    for name, preset in plugin.presets.items():
        _check_preset(plugin, name, preset)
    predicts = method.predicts
    ensure(
        isinstance(predicts, type) and issubclass(predicts, Prediction),
        f"predicts is {predicts!r}, which is no geobench.Prediction",
    )
    said = subject.prediction
    ensure(
        isinstance(said, predicts),
        f"predict returns a {type(said).__name__}, and predicts says {predicts.__name__}",
    )
    return f"predicts {predicts.__name__}"


def _check_preset(plugin: type[Method], name: str, preset: Mapping[str, object]) -> None:
    try:
        plugin.Config.model_validate(dict(preset))
    except ValidationError as error:
        # A preset may leave open what only a user can give, such as a file.
        wrong = [each for each in error.errors() if each["type"] != "missing"]
        if wrong:
            where = ".".join(map(str, wrong[0]["loc"]))
            raise Failure(f"the preset {name!r} is invalid: {where}: {wrong[0]['msg']}") from None


def one_prediction_per_photo(subject: MethodSubject) -> str:
    """Every photo is answered, in order: black ones, huge features, repeated and single ones."""
    method = subject.of_seed(0).restored
    batches = {f"the photos of {subject.part}": subject.test}
    for part in PARTS:
        if method.answers(part) and part != subject.part:
            batches[f"the photos of {part}"] = subject.examples(subject.rows(part))
    if method.origin != "external":
        batches |= odd_photos(subject.test)
    for what, examples in batches.items():
        part = what.removeprefix("the photos of ")
        prediction = subject.ask(method, examples, part=part if part in PARTS else subject.part)
        count = len(examples)
        ensure(
            len(prediction) == count,
            f"of {count} photos ({what}) {len(prediction)} are answered",
            "Give one distribution per photo, in order; a photo that is hard is not left out.",
        )
        shapes = {"point()": np.shape(prediction.point())}
        shapes["sample(3)"] = np.shape(prediction.sample(3, np.random.default_rng(0)))
        wanted: dict[str, tuple[int, ...]] = {"point()": (count, 2), "sample(3)": (count, 3, 2)}
        if isinstance(prediction, Density):
            shapes["log_prob of 5 points"] = np.shape(prediction.log_prob(np.zeros((1, 5, 2))))
            wanted["log_prob of 5 points"] = (count, 5)
        for name, shape in shapes.items():
            ensure(
                shape == wanted[name],
                f"{name} has the shape {shape}, not {wanted[name]} ({what})",
            )
    return f"{sum(map(len, batches.values()))} photos in {len(batches)} batches"


def a_thousand_photos_at_once(subject: MethodSubject) -> str:
    """A chunk of a thousand photos, as in a run, is answered as the same photos are in fewer."""
    rows = np.arange(_CHUNK) % len(subject.test)
    prediction = subject.ask(subject.of_seed(0).restored, subject.test.take(rows))
    remedy = "Answer as many photos as are asked for at once: a chunk has 1,024 unless set."
    ensure(
        len(prediction) == _CHUNK, f"of {_CHUNK:,} photos {len(prediction):,} are answered", remedy
    )
    answers = PredictionSnapshot(geo.wrap(prediction.point(), name="answers"), None)
    ensure_same(
        PredictionSnapshot(subject.snapshot.point[rows], None),
        answers,
        "a thousand at once",
        remedy,
    )
    shape = np.shape(prediction.sample(2, np.random.default_rng(0)))
    ensure(shape == (_CHUNK, 2, 2), f"sample(2) of {_CHUNK:,} photos has the shape {shape}", remedy)
    spread = np.linspace(0, _CHUNK - 1, _ROWS).astype(int)
    some = PredictionSnapshot.of(prediction.take(spread))
    ensure_same(subject.snapshot.take(rows[spread]), some, "a thousand at once", remedy)
    return f"{_CHUNK:,} photos"


_CHUNK = 1024
_ROWS = 16  # whose densities are looked at


def points_on_the_globe(subject: MethodSubject) -> None:
    """Answers and samples are finite, with latitudes from -90 to 90 degrees."""
    method = subject.of_seed(0).restored
    batches = {"photos": subject.test}
    if method.origin != "external":
        batches |= odd_photos(subject.test)
    for what, examples in batches.items():
        prediction = subject.ask(method, examples)
        try:
            geo.wrap(prediction.point(), name=f"the answers to {what}")
            samples = prediction.sample(8, np.random.default_rng(0))
            geo.wrap(samples, name=f"the samples of {what}")
        except PredictionError as error:
            raise Failure(error.problem, remedy=error.remedy) from None


CHECKS = (
    fits_and_answers,
    declared_types,
    one_prediction_per_photo,
    a_thousand_photos_at_once,
    points_on_the_globe,
)
