"""The method for answers made elsewhere: a file of places, scored like any other method's."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import (
    Answers,
    Config,
    ConfigError,
    Context,
    Density,
    Examples,
    InputPath,
    Labelled,
    Method,
    Points,
    Prediction,
    State,
    names,
)
from geobench_basics.methods.prior import PriorConfig, PriorMethod
from geobench_basics.methods.uniform import UniformMethod

if TYPE_CHECKING:
    from geobench_basics.methods.answers import AnswersFile, Renamed
    from geobench_basics.methods.part_answers import PartAnswers


class PredictionsConfig(Config):
    """Which file, which parts it answers, and what stands in for an answer that it lacks."""

    added = {
        "missing": "fail",
        "where": None,
        "id_column": None,
        "lat_column": None,
        "lon_column": None,
        "along": ["confidence", "seconds", "cost", "explanation"],
        "confidence_scale": 1.0,
        "cost_unit": "USD",
    }

    file: InputPath = Field(
        description="CSV or Parquet with columns id, lat and lon: one row per photo, or several "
        "with a column sample: draws, or places with their shares in a column weight; a column "
        "part, as in table.csv (`unseen-cells/seen`) or without the split (`seen`), says which "
        "part a row is of; columns confidence, seconds, cost and explanation are kept with the "
        "answers"
    )
    parts: tuple[str, ...] | None = Field(
        None,
        description="the parts that the file answers, written likewise; the others read "
        "not-answered; all by default",
    )
    missing: Literal["fail", "farthest", "uniform", "prior"] = Field(
        "fail",
        description="what stands in for an answer to a photo without a row, or whose coordinates "
        "are left empty: `fail`: nothing, which is an error; `farthest`: the point farthest from "
        "the truth; `uniform`: a point drawn uniformly, by the photo's id; `prior`: that of the "
        "method prior, where the split trains. Its density is the prior's for `prior`, else "
        "uniform",
    )
    where: dict[str, str] | None = Field(
        None,
        description="column -> value of the rows that are read, where a file holds several kinds "
        "of answers to each photo; all of them by default",
    )
    id_column: str | None = Field(None, description="ids, or names of the pictures' files")
    lat_column: str | None = Field(None, description="usually lat, latitude, pred_lat")
    lon_column: str | None = Field(None, description="usually lon, lng, longitude, pred_lon")
    along: tuple[Literal["confidence", "seconds", "cost", "explanation"], ...] = Field(
        ("confidence", "seconds", "cost", "explanation"),
        description="which columns of what is said along with answers are read, if they are there",
    )
    confidence_scale: Literal[1, 10, 100] = Field(
        1,
        description="the confidence that stands for certainty: 100 where it is in percent; one "
        "with a percent sign is read whatever this says",
    )
    cost_unit: str = Field("USD", description="the currency of the column cost")


def _known(context: Context) -> dict[str, NDArray[np.str_]]:
    """Part -> all ids that may be answered, used or not."""
    return {part: context.known_ids.get(part, ids) for part, ids in context.part_ids.items()}


_STAND_INS = {
    "farthest": "the point farthest from the truth (in metrics of draws: as the uniform)",
    "uniform": "a point drawn uniformly",
    "prior": "the answer of the prior",
}


@final
class PredictionsMethod(Method):
    """Answers made elsewhere, read from a file, scored and compared like any other.

    A photo's answer is its heaviest row; at equal weights the one that most of its rows lie
    around. Several rows of equal weight are draws, of other weights all the places that there
    are. A file that does not fit the photos is an error before anything is predicted. Ids are
    those of the photos, or the names of their files, with folder and ending or without.
    """

    name = "predictions"
    version = 2  # rows of equal weight are taken as draws, none of them twice
    Config = PredictionsConfig
    config: PredictionsConfig
    origin = "external"
    deterministic = True

    _file: "AnswersFile"
    _parts: "dict[str, PartAnswers]"
    _prior: "PriorMethod | None"

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

    @property
    def needs_training(self) -> bool:
        return self.config.missing == "prior"

    @property
    def says_along(self) -> frozenset[str]:
        return frozenset(self._written.along.numbers)

    @property
    def says_one_place(self) -> bool:
        return self._written.one_row_each

    def answers(self, part: str) -> bool:
        from geobench_basics.methods.answers import ways_to_write

        wanted = self.config.parts
        return wanted is None or not ways_to_write(part).isdisjoint(wanted)

    def foresee(self, context: Context) -> Mapping[str, Points]:
        """The answers of the file."""
        file, _ = self._written.meeting(_known(context).values())
        answered = {part: ids for part, ids in context.part_ids.items() if self.answers(part)}
        return {part: file.of(part).places(ids) for part, ids in answered.items()}

    def check(self, context: Context) -> None:
        """Compare the file with the photos of every part that it answers.

        Raises:
            ConfigError: `parts` names a part that this split does not have.
            DataError: missing or doubled rows, or improper values, counted.
        """
        self._checked(context)

    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        """Check the file against the photos of every part that it answers.

        Raises:
            ConfigError: `parts` names a part that this split does not have.
            DataError: missing or doubled rows, or improper values, counted.
        """
        self._file, remarks = self._checked(context)
        self._parts = {}
        for remark in remarks:
            context.log.warning("predictions: %s: %s", self.config.file.name, remark)
        self._prior = PriorMethod(PriorConfig()) if self.needs_training else None
        if self._prior is not None:
            self._prior.fit(train, val, context)

    @cached_property
    def _written(self) -> "AnswersFile":
        """The file, whose ids are as written."""
        from geobench_basics.methods.answers import read_answers

        config = self.config
        return read_answers(
            config.file,
            where=config.where,
            id_column=config.id_column,
            lat_column=config.lat_column,
            lon_column=config.lon_column,
            along=config.along,
            confidence_scale=config.confidence_scale,
            cost_unit=config.cost_unit,
        )

    def _checked(self, context: Context) -> "Renamed":
        """Read the file, and compare it with the photos."""
        from geobench_basics.methods.checking import check

        known = _known(context)
        tables = {id(ids): ids for ids in context.dataset_ids.values()}
        found = self._written.meeting(known.values(), elsewhere=tables.values())
        if context.part_ids:
            self._check_parts(context)
        answered = {part: ids for part, ids in context.part_ids.items() if self.answers(part)}
        odd = check(
            found.file,
            answered,
            known={part: known[part] for part in answered},
            others=[part for part in known if part not in answered],
            missing=self.config.missing != "fail",
        )
        return found._replace(remarks=[*found.remarks, *odd])

    def _check_parts(self, context: Context) -> None:
        from geobench_basics.methods.answers import split_of, ways_to_write

        labels = list(context.part_ids)
        named = set().union(*map(ways_to_write, labels))
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
        part, ids = self._parts[context.part], examples.ids
        answered = part.hold(ids)
        found = part.find(ids[answered])
        along = self._file.said_of(ids, part=context.part, answered=answered, rows=found.row)
        if answered.all() and not along:
            return found.prediction
        return Answers(
            found.prediction,
            answered,
            instead=self._stand_in(examples.take(np.flatnonzero(~answered)), context),
            stand_in=_STAND_INS.get(self.config.missing, ""),
            farthest=self.config.missing == "farthest",
            along=along,
        )

    def _stand_in(self, declined: Examples, context: Context) -> Density | None:
        """What stands in for an answer to the photos that are declined; None of none."""
        if len(declined) == 0:
            return None
        if self._prior is not None:
            return self._prior.predict(declined, context)
        return UniformMethod().predict(declined, context)

    def state(self) -> dict[str, NDArray[Any]]:
        """That of the prior, if there is one: the file's content is in the key, and is read
        again."""
        return {} if self._prior is None else self._prior.state()

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        """Read the file, and check it again: the test photos may have changed since."""
        self._file, self._parts = self._checked(context).file, {}
        self._prior = PriorMethod(PriorConfig()) if self.needs_training else None
        if self._prior is not None:
            self._prior.restore(state, train, context)
