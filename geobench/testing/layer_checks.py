"""What every plugin promises of its first layer: it is light, because every start imports it."""

import sys
from collections.abc import Mapping
from typing import Any

from geobench.components import Plugin
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


def first_layer_is_light(subject: Subject[Plugin]) -> None:
    """Importing its module imports neither what it requires nor any other heavy package."""
    named = {name.partition(".")[0] for name in subject.plugin.requires}
    found = found_in_another_process(subject.plugin, loaded, sorted(named.union(HEAVY)))
    heavy = sorted(found)
    module = subject.plugin.__module__
    ensure(
        not heavy,
        f"importing {module} imports {', '.join(heavy)}",
        "Every start of geobench imports it, `geobench list` too: import what is heavy in the "
        "functions that use it, or in a module that they import.",
    )


def loaded(names: list[str]) -> Mapping[str, Any]:
    """Which of these packages this process has imported."""
    return {name: True for name in names if name in sys.modules}


CHECKS = (first_layer_is_light,)
