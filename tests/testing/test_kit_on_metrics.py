"""The kit on metrics: good ones pass, broken ones are caught by the check named for it."""

from dataclasses import replace

import numpy as np
import pytest

from complaints import complaints, skipped
from geobench import (
    Against,
    Config,
    InputPath,
    Mean,
    Range,
    Share,
    Statistic,
    distance_km,
    gazetteer,
)
from geobench.testing.kit import examine
from sound_metrics import (
    Country,
    Coverage,
    Effort,
    Found,
    LogScore,
    Sure,
    Width,
    log_score,
    weighted_root,
)


def mean(column="country", better="higher", name="x", possible=None):
    return Mean(name=name, unit="share", better=better, column=column, possible=possible)


def gain(**how):
    return Against(name="gain", unit="share", better="higher", label="x", **how)


def mutant(kind=Country, **methods):
    return type("Mutant", (kind,), methods)


def scored_by(change):
    """The country metric with its scores changed: function of scores, prediction and truth."""

    def score(self, prediction, truth, context):
        return change(Country.score(self, prediction, truth, context), prediction, truth)

    return mutant(score=score, summaries=(mean(),))


class HashOfACountry(Country):
    def score(self, prediction, truth, context):
        found = super().score(prediction, truth, context)
        found[:, 1] += [hash(str(country)) % 100 for country in truth.attributes["country"]]
        return found


class FileConfig(Config):
    borders: InputPath


class ReadsAFile(Country):
    Config = FileConfig

    @classmethod
    def tiny(cls, folder):
        (folder / "borders.json").write_text("{}")
        return FileConfig(borders=folder / "borders.json")


def doubting(self, prediction, truth, context):
    context.along["confidence"][:] /= 2
    return Sure.score(self, prediction, truth, context)


def infinite_at_poles(found, prediction, truth):
    with np.errstate(divide="ignore"):
        return found / (truth.points[:, :1] != -90) / np.where(truth.points[:, :1] > 89, 0, 1)


def moving_truth(found, prediction, truth):
    truth.points[:] = np.round(truth.points, 1)
    return found


def drawing(found, prediction, truth):
    np.random.seed(0)
    return found + np.random.random() * 0


def first_is_found(self, prediction, truth, context):
    found = Found.score(self, prediction, truth, context)
    found[0] = 0
    return found


def remembers(self, prediction, truth, context):
    self.__dict__["calls"] = self.__dict__.get("calls", 0) + (len(truth) > 50)
    return Country.score(self, prediction, truth, context) + self.__dict__["calls"]


def applies_after_score(self, truth):
    return Country.applies(self, truth) & ("calls" not in self.__dict__)


def everything(self, truth):
    return np.ones(len(truth), bool)


def without_default(self, truth):
    return truth.attributes["country"] != ""


def new_places(self, truth):
    return Country.applies(self, truth) & (truth.novelty >= np.median(truth.novelty))


def blank_is_wrong(self, prediction, truth, context):
    known = truth.attributes.get("country", np.full(len(truth), ""))
    hits = gazetteer.nearest(prediction.point()).country == known
    return np.stack([hits, distance_km(prediction.point(), truth.points)], axis=1)


def first_photo(columns, truth, weights):
    return np.full(len(weights), columns["away"][0])


def unweighted(columns, truth, weights):
    return np.full(len(weights), columns["away"].mean())


def total(columns, truth, weights):
    return weights.sums(columns["away"])


def mixed(columns, truth, weights):
    rows = np.concatenate(list(weights.blocks()))
    return (rows @ columns["away"]) / rows.sum() * len(rows)


def of_all(columns, truth, weights):
    return weights.means(columns["away"])[:1]


def away_only(change):
    """A metric of a function of the distance alone, for which it says that the nearest is best."""

    def score(self, prediction, truth, context):
        away = distance_km(prediction.point(), truth.points)
        return change(away).astype(np.float32)[:, None]

    return mutant(score=score, columns=("away",), summaries=(mean("away"),), nearest_is_best=True)


def statistic(function):
    return (Statistic(name="x", unit="km", better="lower", function=function),)


MUTANTS = {
    "needs a word": (mutant(needs="points"), "declared-types", "needs is 'points'"),
    "reads what nobody says": (
        mutant(Sure, reads=frozenset({"mood"})),
        "declared-types",
        "reads is frozenset({'mood'})",
    ),
    "reads words": (
        mutant(Sure, reads=frozenset({"explanation"})),
        "declared-types",
        "some is said nowhere, or no number",
    ),
    "reads a word that is no set": (
        mutant(Sure, reads="confidence"),
        "declared-types",
        "reads is 'confidence'",
    ),
    "reads with draws": (
        mutant(Coverage, reads=frozenset({"confidence"})),
        "declared-types",
        "it reads confidence and needs Prediction",
    ),
    "reads what it does not declare": (
        mutant(Sure, reads=frozenset()),
        "one-finite-score-per-photo",
        "it reads confidence of what is said along, and does not declare that",
    ),
    "a confidence changed in place": (
        mutant(Sure, score=doubting),
        "inputs-untouched",
        "changes the confidence that is stated",
    ),
    "columns that repeat": (
        mutant(columns=("country", "country")),
        "declared-types",
        "columns repeat",
    ),
    "a column named mask": (mutant(columns=("country", "mask")), "declared-types", "named mask"),
    "a summary of no column": (
        mutant(summaries=(mean("nation"),)),
        "summaries-are-well-formed",
        "of the column 'nation', and there is no such column",
    ),
    "a summary in capitals": (
        mutant(summaries=(mean(name="Country"),)),
        "summaries-are-well-formed",
        "'Country' is not named in lower case",
    ),
    "a summary without direction": (
        mutant(summaries=(mean(better="up"),)),
        "summaries-are-well-formed",
        "better is 'up'",
    ),
    "possible values upside down": (
        mutant(summaries=(mean(possible=Range(1.0, 0.0)),)),
        "summaries-are-well-formed",
        "possible values are from 1 to 0",
    ),
    "one column too many": (
        mutant(columns=("country",), summaries=(mean(),)),
        "one-finite-score-per-photo",
        "not (56, 1)",
    ),
    "infinite at the poles": (
        mutant(
            LogScore,
            score=lambda self, p, truth, c: infinite_at_poles(np.ones((len(truth), 1)), p, truth),
        ),
        "one-finite-score-per-photo",
        "log of a photo at (90, 0) is inf",
    ),
    "a share of distances": (
        mutant(summaries=(Share(name="x", better="higher", column="away"),)),
        "one-finite-score-per-photo",
        "a Share is of zeros and ones",
    ),
    "scores relative to others": (
        scored_by(lambda found, *_: found - found.mean(axis=0)),
        "a-photo-is-scored-alone",
        "when it is scored alone",
    ),
    "scores by position": (
        scored_by(lambda found, *_: found + np.arange(len(found))[:, None]),
        "order-does-not-matter",
        "scored in another order",
    ),
    "draws by position": (
        mutant(Found, score=first_is_found),
        "order-does-not-matter",
        "scored in another order",
    ),
    "truth rounded in place": (
        scored_by(moving_truth),
        "inputs-untouched",
        "changes the true places",
    ),
    "scores that count calls": (
        mutant(score=remembers, summaries=(mean(),)),
        "asking-changes-nothing",
        "is another when the metric is asked again",
    ),
    "a hash of a name": (HashOfACountry, "same-in-another-process", "the column away"),
    "a global seed": (scored_by(drawing), "global-random-state-untouched", "state of numpy"),
    "applies until it has scored": (
        mutant(score=remembers, applies=applies_after_score),
        "applies-looks-at-truth-alone",
        "another answer after photos were scored",
    ),
    "applies to the newer half": (
        mutant(applies=new_places),
        "applies-looks-at-truth-alone",
        "applies with others: False, alone: True",
    ),
    "missing labels as wrong": (
        mutant(applies=everything, score=blank_is_wrong),
        "missing-labels-do-not-apply",
        "photos apply whose scores need a label: with it the first is scored [1.0",
    ),
    "applies reads a label that lacks": (
        mutant(applies=without_default),
        "missing-labels-do-not-apply",
        "applies raises KeyError ('country') where there are no attributes",
    ),
    "a file in its configuration": (ReadsAFile, "configuration-round-trips", "borders"),
    "the wrong direction": (
        mutant(summaries=(mean("away", better="higher"),)),
        "perfect-answer-gets-the-best-value",
        "(higher is better) is 0 for perfect answers, and 10 for answers 10 km off",
    ),
    "the wrong sign": (
        mutant(LogScore, score=lambda *given: -log_score(*given)),
        "perfect-answer-gets-the-best-value",
        "Check its `better`, and the sign",
    ),
    "blind to the truth": (
        scored_by(lambda found, *_: np.ones_like(found)),
        "antipodes-get-a-worse-value",
        "no worse than for perfect ones",
    ),
    "a width that is no declared description": (
        mutant(Width, describes_prediction=False),
        "summaries-are-well-formed",
        "of no summary is more or less better",
    ),
    "a description that looks at the truth": (
        mutant(LogScore, describes_prediction=True),
        "antipodes-get-a-worse-value",
        "its scores change with the truth",
    ),
    "a description of which less is better": (
        mutant(Width, summaries=(Mean(name="width", unit="km", better="lower", column="width"),)),
        "summaries-are-well-formed",
        "lower is better, and the metric describes predictions",
    ),
    "a gain of a column and of a function": (
        mutant(summaries=(gain(column="away", function=weighted_root),)),
        "summaries-are-well-formed",
        "is of a column and of a function, or of neither",
    ),
    "a gain of nothing": (
        mutant(summaries=(gain(),)),
        "summaries-are-well-formed",
        "is of a column and of a function, or of neither",
    ),
    "a constant by a column that there is not": (
        mutant(summaries=(replace(mean("away"), constant="at-floor"),)),
        "summaries-are-well-formed",
        "there is no column 'at-floor'",
    ),
    "a description of nothing": (
        mutant(Width, score=lambda self, p, truth, context: np.ones((len(truth), 1))),
        "antipodes-get-a-worse-value",
        "for one that is 1000 km wide",
    ),
    "a country of which the nearest is best": (
        mutant(nearest_is_best=True),
        "nearest-is-best",
        "in other directions",
    ),
    "a ring of which the nearest is best": (
        away_only(lambda away: (away < 1) | ((away > 50) & (away < 100))),
        "nearest-is-best",
        "summary x is 1 for answers 73 km off, better than 0 for answers 17 km off",
    ),
    "a density of which the nearest is best": (
        mutant(LogScore, nearest_is_best=True),
        "nearest-is-best",
        "needs no Points",
    ),
    "a summary of the first photo": (
        mutant(summaries=statistic(first_photo)),
        "photos-are-a-set",
        "in another order",
    ),
    "weights that are not looked at": (
        mutant(summaries=statistic(unweighted)),
        "weights-leave-photos-out",
        "when weights of 0 leave the other photos out",
    ),
    "a sum": (
        mutant(summaries=statistic(total)),
        "weights-leave-photos-out",
        "only their ratios matter",
    ),
    "a total over all replicates": (
        mutant(summaries=statistic(mixed)),
        "replicates-stand-alone",
        "with other replicates",
    ),
    "one number for all replicates": (
        mutant(summaries=statistic(of_all)),
        "replicates-stand-alone",
        "has the shape (1,), not (6,), for 6 replicates",
    ),
}


@pytest.mark.parametrize("what", MUTANTS)
def test_a_broken_metric_is_caught_by_the_check_named_for_it(what):
    broken, check, said = MUTANTS[what]
    found = complaints(broken, about=check)
    assert check in found, found
    assert said in found[check]


@pytest.mark.parametrize("metric", [Country, LogScore, Coverage, Found, Sure])
def test_good_metrics_of_answers_what_is_said_densities_samples_and_first_draws_pass(metric):
    verdict = examine(metric)
    status = {o.check: o.reason for o in verdict.outcomes if o.status != "passed"}
    weighed = {"weights-leave-photos-out", "replicates-stand-alone"}
    expected = weighed if metric in (LogScore, Found, Sure) else set()
    expected |= {"a-photo-is-scored-alone"} if metric is Found else set()
    expected |= {"nearest-is-best"}
    assert set(status) == expected, status


@pytest.mark.parametrize("metric", [Width, Effort])
def test_a_metric_that_describes_predictions_passes_without_looking_at_the_truth(metric):
    verdict = examine(metric)
    status = {o.check: o.status for o in verdict.outcomes if o.status != "passed"}
    assert status == {
        "perfect-answer-gets-the-best-value": "skipped",
        "nearest-is-best": "skipped",
        "weights-leave-photos-out": "skipped",
        "replicates-stand-alone": "skipped",
    }


def test_a_step_of_the_distance_passes_as_one_of_which_the_nearest_is_best():
    assert complaints(away_only(lambda away: away <= 100)) == {}


def test_what_only_describes_is_no_matter_to_who_says_that_the_nearest_is_best():
    described = mean("away", name="how-far", better=None)
    near = away_only(lambda away: away <= 100)
    assert complaints(type("Near", (near,), {"summaries": (mean("away"), described)})) == {}


def test_a_metric_of_labels_that_nobody_has_is_skipped():
    strange = mutant(applies=lambda self, truth: np.full(len(truth), "climate" in truth.attributes))
    assert complaints(strange) == {}
    reason = skipped(strange)["perfect-answer-gets-the-best-value"]
    assert "applies to no photo of the sample, whose attributes are place, country" in reason
