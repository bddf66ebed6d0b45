"""The method for answers made elsewhere: a file of places, scored like any other method's."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import (
    Config,
    ConfigError,
    Context,
    Examples,
    InputPath,
    Labelled,
    Method,
    Prediction,
    State,
    names,
)

if TYPE_CHECKING:
    from geobench_basics.methods.answers import AnswersFile, PartAnswers


class PredictionsConfig(Config):
    """Which file, and which parts it answers."""

    file: InputPath = Field(
        description="CSV or Parquet with columns id, lat and lon: one row per photo, or several "
        "with a column sample: draws, or places with their shares in a column weight; a column "
        "part, as in table.csv (`unseen-cells/seen`) or without the split (`seen`), says which "
        "part a row is of"
    )
    parts: tuple[str, ...] | None = Field(
        None,
        description="the parts that the file answers, written likewise; the others read "
        "not-answered; all by default",
    )


@final
class PredictionsMethod(Method):
    """Answers made elsewhere, read from a file, scored and compared like any other.

    A photo's answer is its heaviest row; at equal weights the one that most of its rows lie
    around. Several rows of equal weight are draws, of other weights all the places that there
    are. A file that does not fit the photos is an error before anything is predicted.
    """

    name = "predictions"
    version = 2  # rows of equal weight are taken as draws, none of them twice
    Config = PredictionsConfig
    config: PredictionsConfig
    origin = "external"
    needs_training = False
    deterministic = True

    _file: "AnswersFile"
    _parts: "dict[str, PartAnswers]"

    @classmethod
    def tiny(cls, folder: Path) -> PredictionsConfig:
        """Answers to the test parts of the split `official` of the toy planet."""
        from geobench.toy_planet import ToyPlanet
        from geobench_basics.sample import write_answers

        table = ToyPlanet().table
        assert table.part is not None
        tested = np.isin(table.part, ("clear", "ambiguous"))
        file = write_answers(folder / "answers", ids=table.ids[tested], points=table.points[tested])
        return PredictionsConfig(file=file)

    predicts = Prediction

    def answers(self, part: str) -> bool:
        from geobench_basics.methods.answers import short_name

        wanted = self.config.parts
        return wanted is None or part in wanted or short_name(part) in wanted

    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        """Check the file against the photos of every part that it answers.

        Raises:
            ConfigError: `parts` names a part that this split does not have.
            DataError: missing, unknown or doubled rows, counted.
        """
        self._read(context)

    def _read(self, context: Context) -> None:
        from geobench_basics.methods.answers import read_answers

        self._file, self._parts = read_answers(self.config.file), {}
        if context.part_ids:
            self._check_parts(context)
        answered = {part: ids for part, ids in context.part_ids.items() if self.answers(part)}
        known = {part: context.known_ids.get(part, ids) for part, ids in answered.items()}
        others = [part for part in context.part_ids if part not in answered]
        self._file.check(answered, known=known, others=others)

    def _check_parts(self, context: Context) -> None:
        from geobench_basics.methods.answers import short_name, split_of

        labels = list(context.part_ids)
        named = {*labels, *map(short_name, labels)}
        splits = {split_of(part) for part in labels}
        for entry in self.config.parts or ():
            if entry in named:
                continue
            meant = names.did_you_mean(entry, sorted(named))
            if "/" in entry and split_of(entry) not in splits:
                # A benchmark may have several splits, and each is checked by itself.
                context.log.warning("predictions: %s is of another split. %s", entry, meant)
                continue
            raise ConfigError(
                f"parts says {entry!r}, and there is no such part",
                where=str(self.config.file),
                remedy=f"{meant} Write a part of another split with its split, as in table.csv.",
            )

    def predict(self, examples: Examples, context: Context) -> Prediction:
        if context.part not in self._parts:
            self._parts[context.part] = self._file.of(context.part)
        return self._parts[context.part].predictions(examples.ids)

    def state(self) -> dict[str, NDArray[Any]]:
        """Nothing: the file's content is in the key, and is read again."""
        return {}

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        """Read the file, and check it again: the test photos may have changed since."""
        self._read(context)
