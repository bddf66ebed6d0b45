"""What every plugin promises of its first layer: it is light, because every start imports it."""

import sys
from collections.abc import Mapping
from typing import Any

from geobench.components import Plugin
from geobench.testing import elsewhere
from geobench.testing.check import ensure
from geobench.testing.elsewhere import found_in_another_process
from geobench.testing.subject import Subject

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
    named = {name.partition(".")[0] for name in subject.plugin.requires}
    found = found_in_another_process(subject.plugin, loaded, sorted(named.union(HEAVY)))
    heavy = sorted(found.keys() - {"seconds"})
    module = subject.plugin.__module__
    ensure(
        not heavy,
        f"importing {module} imports {', '.join(heavy)}",
        "Every start of geobench imports it, `geobench list` too: import what is heavy in the "
        "functions that use it, or in a module that they import.",
    )
    seconds = found["seconds"]
    if seconds > _SECONDS:  # the first import compiles it
        seconds = found_in_another_process(subject.plugin, loaded, [])["seconds"]
    ensure(
        seconds <= _SECONDS,
        f"importing {module} takes {seconds:.1f} s of the CPU",
        "Every start of geobench imports it: compute, read and import in the functions that need "
        "it.",
    )
    return f"{seconds:.2f} s"


def loaded(names: list[str]) -> Mapping[str, Any]:
    """Which of these packages this process has imported, and the seconds of the module."""
    found: dict[str, Any] = {name: True for name in names if name in sys.modules}
    return found | {"seconds": elsewhere.import_seconds}


CHECKS = (first_layer_is_light,)
