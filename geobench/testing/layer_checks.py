"""What every plugin promises of its first layer: it is light, because every start imports it."""

from geobench.components import Plugin
from geobench.testing.check import ensure
from geobench.testing.other_process import found_in_another_process
from geobench.testing.subject import Imported, Subject

HEAVY = (
    "cv2",
    "faiss",
    "jax",
    "matplotlib",
    "open_clip",
    "pandas",
    "pyarrow",
    "scipy",
    "skimage",
    "sklearn",
    "tensorflow",
    "timm",
    "torch",
    "torchvision",
    "transformers",
)
"""Packages that take a good part of a second each to import, or several."""


_SECONDS = 2.0  # of the CPU, that the module may take beside geobench


def first_layer_is_light(subject: Subject[Plugin]) -> str:
    """Importing its module is quick, and imports neither what it requires nor what is heavy."""
    imported = subject.imported or _imported(subject)
    required = {name.partition(".")[0] for name in subject.plugin.requires}
    heavy = sorted(imported.packages & required.union(HEAVY))
    module = subject.plugin.__module__
    ensure(
        not heavy,
        f"importing {module} imports {', '.join(heavy)}",
        "Every start of geobench imports it, `geobench list` too: import what is heavy in the "
        "functions that use it, or in a module that they import.",
    )
    if imported.seconds > _SECONDS:  # the first import compiles it
        imported = _imported(subject)
    ensure(
        imported.seconds <= _SECONDS,
        f"importing {module} takes {imported.seconds:.1f} s of the CPU",
        "Every start of geobench imports it: compute, read and import in the functions that need "
        "it.",
    )
    return f"{imported.seconds:.2f} s"


def _imported(subject: Subject[Plugin]) -> Imported:
    found_in_another_process(subject, dict)
    assert subject.imported is not None
    return subject.imported


CHECKS = (first_layer_is_light,)
