"""What a leaderboard's rows should be, by geopy, numpy and scipy alone."""

import math

import numpy as np
import pytest
from geopy.distance import great_circle
from scipy import stats

from geobench.names import CEILING


class Recount:
    """What the stored arrays of one label on one part give, by geopy, numpy and scipy alone."""

    def __init__(self, folder, manifest, part, label):
        place = folder / "runs" / manifest["parts"][part]["folder"]
        self.part = dict(np.load(place / "part.npz"))
        self.units = self.part["unit"]
        entries = [r for r in manifest["rows"] if (r["part"], r["label"]) == (part, label)]
        answers = [np.load(folder / "runs" / r["folder"] / "answer.npz")["answer"] for r in entries]
        if label == CEILING:
            answers = [self.part["nearest"]]
        self.folders = [folder / "runs" / r["folder"] for r in entries]
        self.errors = np.array([[self.away(a, t) for a, t in self.pairs(a)] for a in answers])

    def pairs(self, answers):
        return zip(answers, self.part["truth"], strict=True)

    @staticmethod
    def away(a, b):
        return float(great_circle(a, b, radius=6371.0088).km)


def jackknife(scores, units):
    """The 95 % interval of the mean of scores (S, N), S < 3, leaving out a unit at a time."""
    average = scores.mean(axis=0)
    names, counts = np.unique(units, return_counts=True)
    without = np.array([average[units != name].mean() for name in names])
    variance = (1 - 1 / len(names)) * ((without - average.mean()) ** 2).sum()
    effective = counts.sum() ** 2 / (counts**2).sum()
    half = stats.t.ppf(0.975, effective - 1) * math.sqrt(variance)
    return float(average.mean() - half), float(average.mean() + half)


def the(rows, part, label, summary):
    wanted = (part, label, summary)
    (row,) = [row for row in rows if (row["part"], row["label"], row["summary"]) == wanted]
    return row


def close(text, value):
    """Whether a cell is this number to six digits, scores being stored as float32."""
    return float(text) == pytest.approx(value, rel=6e-6)


def north(recount):
    return np.asarray(recount.part["truth"][:, 0] > 0)
