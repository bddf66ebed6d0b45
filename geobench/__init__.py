"""geobench compares methods that say where on Earth a photo was taken.

The public names, in reading order: this file is the table of contents.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

import geobench_geolocation

# Threads that wait for work must not keep a core busy: beside any other job on the machine that
# makes torch ten times as slow. It is read when torch is imported, and changes no number.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from geobench import digests as digests
from geobench import drafts as drafts
from geobench import gazetteer as gazetteer
from geobench import geo as geo
from geobench import names as names
from geobench import statistics as statistics
from geobench.errors import ConfigError as ConfigError
from geobench.errors import DataError as DataError
from geobench.errors import DeadlineError as DeadlineError
from geobench.errors import GeobenchError as GeobenchError
from geobench.errors import NotFittedError as NotFittedError
from geobench.errors import PluginError as PluginError
from geobench.errors import PredictionError as PredictionError
from geobench.errors import StoreError as StoreError
from geobench.strings import Strings as Strings
from geobench.geo import Points as Points
from geobench.geo import distance_km as distance_km
from geobench.partitions import EqualAreaGrid as EqualAreaGrid
from geobench.partitions import Partition as Partition
from geobench.statistics import ReplicateWeights as ReplicateWeights
from geobench.components import Component as Component
from geobench.components import Config as Config
from geobench.components import InputPath as InputPath
from geobench.components import Plugin as Plugin
from geobench.data import BrokenPicture as BrokenPicture
from geobench.data import Dataset as Dataset
from geobench.data import Examples as Examples
from geobench.data import Fact as Fact
from geobench.data import Image as Image
from geobench.data import Indices as Indices
from geobench.data import Labelled as Labelled
from geobench.data import Rows as Rows
from geobench.data import Table as Table
from geobench.data import Truth as Truth
from geobench.data import hashes as hashes
from geobench.data import smallest_by_hash as smallest_by_hash
from geobench.grouping import SAME_GROUP as SAME_GROUP
from geobench.grouping import WholeGroups as WholeGroups
from geobench.grouping import in_groups_of as in_groups_of
from geobench.grouping import whole_groups as whole_groups
from geobench.assignments import Assignment as Assignment
from geobench.assignments import Part as Part
from geobench.splits import Split as Split
from geobench.splits import SplitConfig as SplitConfig
from geobench.encoders import Encoder as Encoder
from geobench.encoders import Features as Features
from geobench.encoders import TextEncoder as TextEncoder
from geobench.predictions import Atoms as Atoms
from geobench.predictions import Cells as Cells
from geobench.predictions import Density as Density
from geobench.predictions import Drawn as Drawn
from geobench.predictions import Floored as Floored
from geobench.predictions import LazyDensity as LazyDensity
from geobench.predictions import Prediction as Prediction
from geobench.predictions import Sampled as Sampled
from geobench.mixtures import VonMisesFisherMixture as VonMisesFisherMixture
from geobench.galleries import Gallery as Gallery
from geobench.methods import Context as Context
from geobench.methods import Method as Method
from geobench.methods import Retriever as Retriever
from geobench.methods import State as State
from geobench.summaries import Against as Against
from geobench.summaries import Curve as Curve
from geobench.metrics import Draws as Draws
from geobench.metrics import LogDensity as LogDensity
from geobench.summaries import Mean as Mean
from geobench.metrics import Metric as Metric
from geobench.summaries import Quantile as Quantile
from geobench.summaries import Range as Range
from geobench.metrics import ScoreContext as ScoreContext
from geobench.summaries import Share as Share
from geobench.summaries import Statistic as Statistic
from geobench.summaries import Summary as Summary
from geobench.hookspecs import hookimpl as hookimpl

if TYPE_CHECKING:
    from geobench.answers import Answers as Answers
    from geobench.answers import Remark as Remark
    from geobench.board.tables import load as load
    from geobench.run.trained import trained as trained

__version__ = "0.1.0"

__all__ = [
    "SAME_GROUP",
    "Against",
    "Answers",
    "Assignment",
    "Atoms",
    "BrokenPicture",
    "Cells",
    "Component",
    "Config",
    "ConfigError",
    "Context",
    "Curve",
    "DataError",
    "Dataset",
    "DeadlineError",
    "Density",
    "Drawn",
    "Draws",
    "Encoder",
    "EqualAreaGrid",
    "Examples",
    "Fact",
    "Features",
    "Floored",
    "Gallery",
    "GeobenchError",
    "Image",
    "Indices",
    "InputPath",
    "Labelled",
    "LazyDensity",
    "LogDensity",
    "Mean",
    "Method",
    "Metric",
    "NotFittedError",
    "Part",
    "Partition",
    "Plugin",
    "PluginError",
    "Points",
    "Prediction",
    "PredictionError",
    "Quantile",
    "Range",
    "Remark",
    "ReplicateWeights",
    "Retriever",
    "Rows",
    "Sampled",
    "ScoreContext",
    "Share",
    "Split",
    "SplitConfig",
    "State",
    "Statistic",
    "StoreError",
    "Strings",
    "Summary",
    "Table",
    "TextEncoder",
    "Truth",
    "VonMisesFisherMixture",
    "WholeGroups",
    "digests",
    "distance_km",
    "drafts",
    "gazetteer",
    "geo",
    "hashes",
    "hookimpl",
    "in_groups_of",
    "load",
    "names",
    "smallest_by_hash",
    "statistics",
    "trained",
    "whole_groups",
]

_LATER = {
    **dict.fromkeys(["Answers", "Remark"], "answers"),
    "load": "board.tables",
    "trained": "run.trained",
}
"""Name -> its module, imported on first use: what reads leaderboards, or runs, or what few
plugins need; the sooner plugins are there, the sooner `geobench list` answers."""


geobench_geolocation.warn()  # of another distribution in this folder

# Components by name are configured from the catalogue, which is loaded when it is needed.
import_module("geobench.components").install_resolver(
    lambda *asked: import_module("geobench.config.configure").named(*asked)
)

if not TYPE_CHECKING:  # a type checker would take it that there is any name at all

    def __getattr__(name):
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
