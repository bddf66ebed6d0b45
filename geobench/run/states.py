"""States: trained methods on disk, each under its fit key, and the checkpoints of fits.

A state that is damaged is as good as not there: the method is fitted again.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

from geobench import copies, drafts
from geobench.digests import file_digest
from geobench.errors import DeadlineError, StoreError, said_by
from geobench.methods import Context, Method, State
from geobench.records import Fit, files
from geobench.records.stored_records import StoredRecord
from geobench.run.named_methods import wanted
from geobench.run.plan import Plan, Training

log = logging.getLogger(__name__)


@final
@dataclass(frozen=True, slots=True)
class _Stored:
    """What is stored of a training: arrays by name, and the details of the fit."""

    state: State
    details: Fit


@final
class States:
    """The trained methods of one plan.

    Args:
        planned: the plan.
        force: fit what is stored, too, each training once.
        say: is told of states that are gone.
    """

    def __init__(self, planned: Plan, *, force: bool, say: Callable[[str], None]) -> None:
        self.plan = planned
        self.force = force
        self.say = say
        self._forced: set[str] = set()

    def fit(self, training: Training, context: Context) -> Fit:
        """Fit the method and store its state, unless it is stored; the details of the fit."""
        force = self.force and training.fit_key not in self._forced
        stored = None if force else self._read(training)
        if stored is not None:
            return stored.details
        if not self.force:
            evaluations = self.plan.evaluations(training)
            known = [StoredRecord.read(evaluation.folder) for evaluation in evaluations]
            if any(record is not None and record.status == "ok" for record in known):
                self.say(f"{training}: its state is gone, it is fitted again")
        kept = self.plan.workspace.checkpoints / training.fit_key
        if force:  # what an earlier run kept is not to be trusted
            drafts.remove(kept)
        details = self._fitted(training, context, kept)
        drafts.remove(kept)
        self._forced.add(training.fit_key)
        return details

    def _fitted(self, training: Training, context: Context, kept: Path) -> Fit:
        """Fit the method, which may keep checkpoints in `kept`, and store its state."""
        plugin: Method = training.method.plugin
        wants = wanted(plugin)
        train = self.plan.inputs.labelled(training.assignment.train, wants)
        val = self.plan.inputs.labelled(training.assignment.val, wants)
        context.checkpoint, before = kept / "method", _spent(kept)
        goes_on = any(context.checkpoint.iterdir())
        begin = time.monotonic()
        method = type(plugin)(plugin.config)
        try:
            with copies.ended():
                method.fit(train, val, context)
        except Exception as error:
            if goes_on and not isinstance(error, DeadlineError):
                self.say(
                    f"{training}: it went on from what an earlier run kept in {kept}. Where that "
                    "is why it fails, --force fits it from the beginning."
                )
            raise
        seconds, facts = round(before + time.monotonic() - begin, 6), dict(context.facts)
        with drafts.folder(self._folder(training)) as draft:
            files.write_arrays(draft / "state.npz", method.state())
            details = Fit(
                fit_key=training.fit_key,
                fit_seconds=seconds,
                device=context.device,
                facts=facts,
                sha256=file_digest(draft / "state.npz"),
            )
            files.write_json(draft / "state.json", details.stamped().data)
        return details

    def is_stored(self, training: Training) -> bool:
        """Whether its state is there, and whole."""
        return self._read(training) is not None

    def restored(self, training: Training, context: Context) -> Method:
        """The method as it was stored: what answers, so that a record can be made again.

        Raises:
            StoreError: its state cannot be read.
        """
        stored = self._read(training)
        if stored is None:
            raise StoreError(
                "the state cannot be read",
                where=str(self._folder(training)),
                remedy="Run again: it is fitted.",
            )
        plugin: Method = training.method.plugin
        train = self.plan.inputs.labelled(training.assignment.train, wanted(plugin))
        method = type(plugin)(plugin.config)
        with copies.ended():
            method.restore(stored.state, train, context)
        return method

    def _folder(self, training: Training) -> Path:
        return self.plan.workspace.states / training.fit_key

    def _read(self, training: Training) -> _Stored | None:
        folder = self._folder(training)
        if not folder.exists():
            return None
        try:
            details = Fit.read(folder / "state.json")
            if not details.is_whole() or details.fit_key != training.fit_key:
                raise StoreError("is not what was written", where=str(folder / "state.json"))
            if details.sha256 != file_digest(folder / "state.npz"):
                raise StoreError("is not what was written", where=str(folder / "state.npz"))
            return _Stored(files.read_arrays(folder / "state.npz"), details)
        except Exception as error:  # whatever it is, what is there is no state
            log.warning("%s: the method is fitted again", said_by(error))
            return None


def _spent(folder: Path) -> float:
    """Begin, or go on with, a fit that keeps checkpoints: the seconds that are already in them.

    A killed fit cannot say how long it took, but what it kept last says when that was.
    """
    own, note, now = drafts.real(folder / "method"), folder / "begun.json", time.time()
    for place in (folder, own):
        if place.exists() and not place.is_dir():
            drafts.remove(place)
    own.mkdir(parents=True, exist_ok=True)
    # A clock that was set back since would make what was kept a thing of the future.
    saved = [min(path.stat().st_mtime, now) for path in own.rglob("*") if path.is_file()]
    seconds = _noted(note, max(saved)) if saved else 0.0
    if note.is_dir():
        drafts.remove(note)
    files.write_stamped(note, {"before": seconds, "at": now})
    return seconds


def _noted(note: Path, saved: float) -> float:
    """The seconds of a fit until it last kept something; 0 where its note is gone or damaged."""
    try:
        begun = files.read_json(note)
        if set(begun) != {"before", "at"}:  # as an earlier version wrote it, without a stamp
            begun = files.read_stamped(note)
        before, at = float(begun["before"]), float(begun["at"])
    except Exception as error:  # whatever it is, no fit is lost for it
        log.warning("%s: how long the fit took before is not known", said_by(error))
        return 0.0
    spent = before + max(0.0, saved - at)
    return spent if 0 <= spent <= saved else 0.0
