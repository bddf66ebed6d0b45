"""Plugins whose first layer is heavy: a module that imports one heavy package, and one that is
heavy because a plugin says that it requires it."""

import sqlite3

import scipy.stats

from sound_dataset import Harbours
from sound_method import Sound
from sound_metrics import Country


class HeavyMethod(Sound):
    """Is defined beside an import of scipy."""

    def fit(self, train, val, context):
        super().fit(train, val, context)
        self.learnt.kappa = self.learnt.kappa * scipy.stats.chi2.cdf(100, 1)


class HeavyDataset(Harbours):
    """The same for a dataset."""


class HeavyMetric(Country):
    """The same for a metric."""


class RequiresWhatItImports(Sound):
    """Imports at once what it says is heavy."""

    requires = ("sqlite3",)

    def state(self):
        return super().state() | {"version": sqlite3.sqlite_version}
