"""The whole plugin contract: five hooks, each returning the classes that a plugin brings.

A plugin is an importable module named by an entry point of the group `geobench`. It marks its
functions with `geobench.hookimpl`; a hook registers classes and never does the work.
"""

from collections.abc import Sequence

from pluggy import HookimplMarker, HookspecMarker

from geobench.data import Dataset
from geobench.encoders import Encoder
from geobench.methods import Method
from geobench.metrics import Metric
from geobench.splits import Split

ENTRY_POINT_GROUP = "geobench"

hookspec = HookspecMarker("geobench")
hookimpl = HookimplMarker("geobench")


@hookspec
def register_datasets() -> Sequence[type[Dataset]]:
    """Photos with the places they were taken at."""
    return ()


@hookspec
def register_splits() -> Sequence[type[Split]]:
    """Rules that turn a dataset into train, val and test parts."""
    return ()


@hookspec
def register_encoders() -> Sequence[type[Encoder]]:
    """Frozen functions from a picture to features."""
    return ()


@hookspec
def register_methods() -> Sequence[type[Method]]:
    """What learns from photos with places and answers photos without."""
    return ()


@hookspec
def register_metrics() -> Sequence[type[Metric]]:
    """What gives every photo a score."""
    return ()
