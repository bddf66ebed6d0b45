"""Planning checks: what cannot be run is said before anything is trained or encoded."""

from collections.abc import Collection, Mapping

from geobench.answers import NUMBERS
from geobench.assignments import Assignment
from geobench.components import Component, Plugin
from geobench.config.benchmark import Benchmark
from geobench.data import Dataset
from geobench.errors import ConfigError, GeobenchError, PluginError
from geobench.features.inputs import Inputs
from geobench.geo import Points
from geobench.methods import Method
from geobench.metrics import Metric
from geobench.requirements import check_requirements
from geobench.run.named_methods import wanted, with_components


def absent_methods(benchmark: Benchmark) -> dict[str, GeobenchError]:
    """Why methods cannot run here, by their labels: a package, or weights, that are not there.

    Raises:
        GeobenchError: what all methods need (dataset, split, encoder or metric) cannot run.
    """
    for component in [benchmark.dataset, benchmark.encoder, *benchmark.splits, *benchmark.metrics]:
        reason = None if component is None else _lack(component.plugin)
        if reason is not None:
            raise reason
    reasons = {method.label: _absence(method.plugin) for method in benchmark.methods}
    return {label: reason for label, reason in reasons.items() if reason is not None}


def wants_of(benchmark: Benchmark) -> frozenset[str]:
    """The features that the methods of a benchmark want, all of which say what they are.

    Raises:
        PluginError: a method that cannot say what it is.
    """
    wants: frozenset[str] = frozenset()
    for method in benchmark.methods:
        try:
            wants |= wanted(method.plugin)
            for plugin in with_components(method.plugin):
                _ = plugin.predicts, plugin.origin, plugin.trained_on
                _ = plugin.needs_training, plugin.deterministic
        except Exception as error:
            raise PluginError(
                f"cannot say what it is, wants or predicts ({type(error).__name__}: {error})",
                where=f"method {method.label}",
                remedy="`wants`, `predicts`, `origin` and their like depend on the configuration "
                "alone.",
            ) from error
    return wants


def check(
    benchmark: Benchmark,
    inputs: Inputs,
    *,
    drawn: Mapping[str, Assignment],
    absent: Collection[str],
) -> None:
    """Raise an error if a method cannot be trained or fed, or a metric, as the benchmark has it.

    Args:
        benchmark: what was asked for.
        inputs: the features.
        drawn: split label -> what the split drew.
        absent: the labels of methods that cannot run here anyway.

    Raises:
        ConfigError: what a method lacks.
        PluginError: a metric that reads what it is never given.
    """
    for metric in benchmark.metrics:
        if why := unreadable(metric.plugin):
            raise PluginError(why, where=f"metric {metric.plugin.name}", remedy=READABLE)
    datasets: dict[str, Dataset] = {}
    for label, assignment in drawn.items():
        datasets |= {p.dataset.digest: p.dataset for p in assignment.all_parts if len(p)}
        for method in benchmark.methods:
            if method.plugin.needs_training and len(assignment.train) == 0:
                raise ConfigError(
                    f"method {method.label} must train, and split {label} of "
                    f"{benchmark.dataset.plugin.name} has no training photos",
                    where=f"benchmark {benchmark.name}",
                    remedy="Leave the method out, or use a split that trains.",
                )
    if not inputs.wants:
        return
    if inputs.encoder is None:
        wanting = ", ".join(m.label for m in benchmark.methods if wanted(m.plugin))
        raise ConfigError(
            f"{wanting} need features, and no encoder is named",
            where=f"benchmark {benchmark.name}",
            remedy="Add `encoder: ...`; `geobench list` shows them.",
        )
    for dataset in datasets.values():
        inputs.check(dataset)
        for method in (each for each in benchmark.methods if each.label not in absent):
            _check_width(method, inputs, dataset, where=f"benchmark {benchmark.name}")


READABLE = (
    f"Let `reads` be a frozenset of {', '.join(NUMBERS)}, and `needs` be geobench.Points, or read "
    "nothing."
)
"""The remedy for a metric that is `unreadable`."""


def unreadable(metric: Metric) -> str:
    """Why a metric is never given what it declares to read; "" if it is."""
    reads, needs = metric.reads, metric.needs
    if not isinstance(reads, frozenset) or not reads <= set(NUMBERS):
        return f"reads is {reads!r}, of which some is said nowhere, or no number"
    if reads and needs is not Points:
        return (
            f"it reads {', '.join(sorted(reads))} and needs {getattr(needs, '__name__', needs)}, "
            "and what is said along with answers is given to metrics of points alone"
        )
    return ""


def _check_width(
    method: Component[Method], inputs: Inputs, dataset: Dataset, *, where: str
) -> None:
    """Raise ConfigError if fixed weights need features of another width than there are."""
    for plugin in with_components(method.plugin):
        wanted_width = plugin.feature_width
        if wanted_width is None or inputs.encoder is None:
            continue
        # Where nothing tells the width, one photo is encoded now rather than all for nothing.
        width = inputs.width(dataset, probe=True)
        if width is not None and width != wanted_width:
            raise ConfigError(
                f"method {method.label} has weights for pooled features of {wanted_width} numbers, "
                f"and encoder {inputs.encoder.name} gives {width} of a photo of {dataset.name}",
                where=where,
                remedy="Choose the encoder that the weights were trained with.",
            )


def _absence(method: Method) -> GeobenchError | None:
    """Why a method cannot run here: a package, or weights, that it or a component needs."""
    return next((lack for each in with_components(method) if (lack := _lack(each))), None)


def _lack(plugin: Plugin) -> GeobenchError | None:
    """The package, or the weights, that a plugin needs and that are not here."""
    try:
        check_requirements(type(plugin))
        plugin.content()
    except GeobenchError as error:
        return error
    except Exception as error:  # whatever looking for weights ends in
        return PluginError(
            f"{plugin.kind} {plugin.name} cannot say which weights it has "
            f"({type(error).__name__}: {error})",
            remedy="Put them where it looks for them, or mend its `content`.",
        )
    return None
