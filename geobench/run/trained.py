"""A method that a run has trained, at hand in Python: pictures, or texts, in; predictions out."""

import shutil
import tempfile
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from geobench import config
from geobench.catalogue import installed
from geobench.data import Examples, Image, Rows
from geobench.digests import array_digest, digest
from geobench.encoders import Encoder, Features, TextEncoder
from geobench.errors import ConfigError, DataError, StoreError
from geobench.features.batches import in_batches
from geobench.methods import Context, Method
from geobench.names import did_you_mean
from geobench.predictions import Prediction
from geobench.records.workspace import Workspace
from geobench.run import plan
from geobench.run.execution import Execution, Options, Reporter
from geobench.run.named_methods import deterministic, wanted
from geobench.run.plan import Plan, Training


@final
class Trained:
    """A method restored from the state that a run has stored, and what it needs to answer.

    It belongs to a split, not to a part. What stands on it (explanations, pictures of densities)
    may ask the method itself.

    Args:
        method: restored.
        encoder: the benchmark's, or None.
        context: that of the training, as `predict` gets it.
    """

    def __init__(self, method: Method, encoder: Encoder | None, context: Context) -> None:
        self.method = method
        self.encoder = encoder
        self.context = context

    def locate(
        self, images: Iterable[Image] | Features, *, ids: Sequence[str] | None = None
    ) -> Prediction:
        """Where pictures were taken: one distribution each, in order.

        Args:
            images: as of `examples`.
            ids: likewise.

        Raises:
            DataError: likewise.
        """
        return self.method.predict(self.examples(images, ids=ids), self.context)

    def examples(
        self, images: Iterable[Image] | Features, *, ids: Sequence[str] | None = None
    ) -> Examples:
        """Pictures as the method gets them: what else it can be asked for, such as explanations.

        Args:
            images: pictures uint8 (H, W, 3); where the encoder reads a dataset's own features,
                these instead.
            ids: of the photos. With those of the dataset answers are the stored ones, because
                randomness depends on ids; by default a digest of each picture, so that the answer
                to one does not depend on the others.

        Raises:
            DataError: no pictures, or as many ids as there are not.
        """
        features = images if isinstance(images, Features) else None
        pictures = [] if isinstance(images, Features) else [np.asarray(each) for each in images]
        if features is None:
            if not pictures:
                raise DataError("there are no pictures to locate")
            for number, picture in enumerate(pictures):
                if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
                    raise DataError(
                        f"picture {number} is {picture.dtype} {picture.shape}",
                        remedy="Give pictures as uint8 (height, width, 3).",
                    )
            features = self._encoded(pictures)
        arrays = [a for a in (features.pooled, features.tokens) if a is not None]
        count = len(pictures) or (len(arrays[0]) if arrays else 0)
        if ids is None:
            shown = [(picture,) for picture in pictures] or list(zip(*arrays, strict=True))
            ids = [array_digest(*each)[:16] for each in shown]
        if len(ids) != count:
            raise DataError(f"there are {len(ids)} ids of {count} photos")
        return self._examples(np.array(list(ids), dtype=np.str_), features)

    def locate_text(self, texts: Sequence[str]) -> Prediction:
        """Where texts speak of ("a photo taken in Kenya"): one distribution each, in order.

        Raises:
            ConfigError: the encoder puts no texts among its pictures, or the method reads tokens.
        """
        if not isinstance(self.encoder, TextEncoder):
            name = "none" if self.encoder is None else self.encoder.name
            raise ConfigError(
                f"encoder {name} encodes no texts",
                where=f"method {self.method.name}",
                remedy="Train it with a TextEncoder: `geobench list` shows the encoders.",
            )
        if "tokens" in self.wants:
            raise ConfigError(f"method {self.method.name} reads tokens, which texts do not have")
        self.encoder.to(self.context.device)
        features = Features(np.asarray(self.encoder.encode_text(list(texts)), np.float32))
        ids = np.array([digest(text)[:16] for text in texts], dtype=np.str_)
        return self.method.predict(self._examples(ids, features), self.context)

    @property
    def wants(self) -> frozenset[str]:
        """The features that the method and its components read."""
        return wanted(self.method)

    def _examples(self, ids: NDArray[np.str_], features: Features) -> Examples:
        given = {"pooled": features.pooled, "tokens": features.tokens}
        wants = self.wants
        held = {what: Rows([a]) for what, a in given.items() if a is not None and what in wants}
        return Examples(ids).with_features(held)

    def _encoded(self, pictures: Sequence[Image]) -> Features:
        if not self.wants or self.encoder is None:
            return Features(None)
        if self.encoder.reads != "images":
            raise DataError(
                f"encoder {self.encoder.name} reads features, not pictures",
                remedy="Give the geobench.Features of these photos.",
            )
        self.encoder.to(self.context.device)
        prepared = [self.encoder.prepare(picture) for picture in pictures]
        return in_batches(self.encoder, [np.stack(prepared)], tokens="tokens" in self.wants)


def trained(
    file: str | Path,
    label: str,
    *,
    benchmark: str | None = None,
    split: str | None = None,
    seed: int = 0,
    limit: int | None = None,
    workspace: str | Path = ".",
    device: str = "auto",
) -> Trained:
    """A method as `geobench run` has trained it: nothing is trained here.

    Args:
        file: the YAML file of the run.
        label: the method's label there.
        benchmark: its name; may be left out where the file has one.
        split: the split's label; may be left out where the benchmark has one.
        seed: of the training.
        limit: that of the run, if it was a trial.
        workspace: where the run's .geobench lies.
        device: "cpu", "cuda", ...; "auto" takes a GPU where the method uses torch and sees one.

    Raises:
        ConfigError: no such benchmark, split, method or seed.
        StoreError: it has not been trained in this workspace, or its state is damaged.
        DataError: the features that it was trained on are not there.
    """
    benchmarks = {each.name: each for each in config.read(Path(file), installed())}
    chosen = benchmarks[_one_of("benchmark", benchmark, list(benchmarks), where=str(file))]
    planned = plan.make(chosen, Workspace(Path(workspace).resolve()), limit=limit)
    training = _training(planned, label, split, seed, where=f"{file}, benchmark {chosen.name}")
    reason = planned.absent.get(label)
    if reason is not None:
        raise reason
    execution = Execution(planned, Options(limit=limit, device=device), Reporter())
    _refuse_untrained(execution, training, file)
    scratch = Path(tempfile.mkdtemp(prefix="geobench-trained-"))
    context = execution.context(training, scratch)
    method = execution.states.restored(training, context)
    if method.origin == "external":
        raise ConfigError(
            f"method {label} reads its answers from a file, and cannot answer other photos"
        )
    weakref.finalize(method, shutil.rmtree, scratch, ignore_errors=True)
    encoder = None if chosen.encoder is None else chosen.encoder.plugin
    return Trained(method, encoder, replace(context, fitted=None, facts={}))


def _refuse_untrained(execution: Execution, training: Training, file: str | Path) -> None:
    for each in training.with_components:
        if not execution.states.is_stored(each):
            raise StoreError(
                f"{each} has not been trained here",
                where=str(execution.plan.workspace.root),
                remedy=f"Run `geobench run {file}` first, or name its --workspace.",
            )


def _training(planned: Plan, label: str, split: str | None, seed: int, *, where: str) -> Training:
    bench = planned.benchmark
    label = _one_of("method", label, [each.label for each in bench.methods], where=where)
    split = _one_of("split", split, [each.label for each in bench.splits], where=where)
    found = {
        training.seed: training
        for training in planned.trainings()
        if (training.method.label, training.split.label) == (label, split)
    }
    if len(found) == 1 and deterministic(next(iter(found.values())).method.plugin):
        return next(iter(found.values()))  # one training stands for all seeds
    if seed not in found:
        seeds = ", ".join(map(str, found))
        raise ConfigError(f"seed {seed} is not trained", where=where, remedy=f"Seeds: {seeds}.")
    return found[seed]


def _one_of(what: str, name: str | None, known: Sequence[str], *, where: str) -> str:
    """The name that is meant: the only one, if none is given."""
    if name is None and len(known) == 1:
        return known[0]
    if name is None:
        raise ConfigError(
            f"there are several {what}s", where=where, remedy=f"Name one of {', '.join(known)}."
        )
    if name not in known:
        remedy = did_you_mean(name, known)
        raise ConfigError(f"there is no {what} {name!r}", where=where, remedy=remedy)
    return name
