"""Good metrics of answers and what is said of them, of densities, samples, and all first draws."""

import numpy as np

from geobench import (
    Against,
    Curve,
    Density,
    Draws,
    Mean,
    Metric,
    Prediction,
    Quantile,
    Share,
    Statistic,
    distance_km,
    gazetteer,
)

X_KM = (1.0, 100.0, 10_000.0)


def weighted_root(columns, truth, weights):
    return np.sqrt(weights.means(columns["away"] ** 2))


def weighted_curve(columns, truth, weights):
    return weights.means(columns["away"][:, None] <= X_KM)


class Country(Metric):
    """Whether the town nearest to the answer is in the photo's country, and how far it is."""

    name = "country"
    columns = ("country", "away")
    summaries = (
        Share(name="country", better="higher", column="country"),
        Quantile(name="country.away", unit="km", better="lower", column="away", q=0.5),
        Statistic(name="country.root", unit="km", better="lower", function=weighted_root),
        Curve(
            name="country.curve",
            unit="share",
            better="higher",
            function=weighted_curve,
            x=X_KM,
            x_unit="km",
        ),
        Against(name="country.gain", unit="share", better="higher", column="country", label="x"),
    )

    def applies(self, truth):
        unknown = np.full(len(truth), "")
        return np.asarray(truth.attributes.get("country", unknown) != "")

    def score(self, prediction, truth, context):
        hits = gazetteer.nearest(prediction.point()).country == truth.attributes["country"]
        away = distance_km(prediction.point(), truth.points)
        return np.stack([hits, away], axis=1).astype(np.float32)


def log_score(self, prediction, truth, context):
    return prediction.log_prob(truth.points[:, None]).astype(np.float32)


class LogScore(Metric):
    """Log-density at the truth."""

    name = "log-score"
    needs = Density
    columns = ("log",)
    summaries = (Mean(name="log", unit="nats per steradian", better="higher", column="log"),)
    score = log_score


def miscoverage(columns, truth, weights):
    return weights.each(lambda row: abs((row * columns["inside"]).sum() / row.sum() - 0.5))


class Coverage(Metric):
    """How far the share of truths among the nearer half of the samples is from one half."""

    name = "coverage"
    needs = Prediction
    columns = ("inside",)
    summaries = (Statistic(name="miscoverage", unit="share", better="lower", function=miscoverage),)

    def score(self, prediction, truth, context):
        drawn = distance_km(prediction.point()[:, None], context.samples)
        inside = distance_km(prediction.point(), truth.points) <= np.median(drawn, axis=1)
        return inside[:, None].astype(np.float32)


class Width(Metric):
    """Mean distance of the samples from the answer, wherever the truth is."""

    name = "width"
    needs = Prediction
    describes_prediction = True
    columns = ("width",)
    summaries = (Mean(name="width", unit="km", better=None, column="width"),)

    def score(self, prediction, truth, context):
        away = distance_km(prediction.point()[:, None], context.samples)
        return away.mean(axis=1, keepdims=True).astype(np.float32)


class Found(Metric):
    """Share of photos with any photo's first draw within 50 km."""

    name = "found"
    needs = Draws
    columns = ("found",)
    summaries = (Share(name="found", better="higher", column="found"),)

    def score(self, prediction, truth, context):
        away = distance_km(truth.points[:, None], prediction.point())
        return (away.min(axis=1) <= 50)[:, None].astype(np.float32)


class Sure(Metric):
    """The Brier score of the stated confidence that an answer is within 200 km."""

    name = "sure"
    reads = frozenset({"confidence"})
    columns = ("sure",)
    summaries = (Mean(name="sure", unit="1", better="lower", column="sure"),)

    def score(self, prediction, truth, context):
        right = distance_km(prediction.point(), truth.points) <= 200
        return np.square(context.along["confidence"] - right)[:, None].astype(np.float32)


class Effort(Metric):
    """What an answer took, wherever it is."""

    name = "effort"
    reads = frozenset({"seconds", "cost"})
    describes_prediction = True
    columns = ("seconds", "cost")
    summaries = (
        Mean(name="effort.seconds", unit="s", better=None, column="seconds"),
        Mean(name="effort.cost", unit="USD", better=None, column="cost"),
    )

    def score(self, prediction, truth, context):
        said = [context.along[name] for name in self.columns]
        return np.stack(said, axis=1).astype(np.float32)
