"""The method for answers made elsewhere: a file of places, scored like any other method's."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import Atoms, Config, Context, Examples, InputPath, Method, Prediction

if TYPE_CHECKING:
    from geobench_basics.answers import AnswersFile, PartAnswers


class PredictionsConfig(Config):
    """Which file, and which parts it answers."""

    file: InputPath = Field(
        description="CSV or Parquet with columns id, lat and lon: one row per photo, or several "
        "with a column sample, weighted by a column weight if there is one; a column part, as in "
        "table.csv (`unseen-cells/seen`) or without the split (`seen`), says which part a row is of"
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
    around. A file that does not fit the photos is an error before anything is predicted.
    """

    name = "predictions"
    Config = PredictionsConfig
    config: PredictionsConfig
    origin = "external"
    needs_training = False
    deterministic = True

    def __init__(self, config: PredictionsConfig | None = None) -> None:
        super().__init__(config)
        self._file: AnswersFile | None = None
        self._parts: dict[str, PartAnswers] = {}

    @classmethod
    def tiny(cls, folder: Path) -> PredictionsConfig:
        """Answers to the part `test` of the split `official` of the tiny `table` dataset."""
        from geobench_basics.sample import write_answers

        return PredictionsConfig(file=write_answers(folder / "answers"), parts=("official/test",))

    @property
    def predicts(self) -> type[Prediction]:
        return Atoms

    def answers(self, part: str) -> bool:
        from geobench_basics.answers import short_name

        wanted = self.config.parts
        return wanted is None or part in wanted or short_name(part) in wanted

    def fit(self, train: Examples, val: Examples, context: Context) -> None:
        """Check the file against the photos of every part that it answers.

        Raises:
            DataError: missing, unknown or doubled rows, counted.
        """
        answered = {part: ids for part, ids in context.part_ids.items() if self.answers(part)}
        others = {part: ids for part, ids in context.part_ids.items() if part not in answered}
        self._answers_file().check(answered, others=others)

    def _answers_file(self) -> "AnswersFile":
        from geobench_basics.answers import read_answers

        if self._file is None:
            self._file = read_answers(self.config.file)
        return self._file

    def predict(self, examples: Examples, context: Context) -> Atoms:
        if context.part not in self._parts:
            self._parts[context.part] = self._answers_file().of(context.part)
        return self._parts[context.part].atoms(examples.ids)

    def state(self) -> dict[str, NDArray[Any]]:
        """Nothing: the file's content is in the key, and is read again."""
        return {}

    @classmethod
    def from_state(
        cls,
        config: PredictionsConfig,
        state: Mapping[str, NDArray[np.generic]],
        train: Examples,
        context: Context,
    ) -> Self:
        return cls(config)
