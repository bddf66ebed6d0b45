"""What methods on torch share: recipe, reading in chunks, training, states; registers nothing.

`Recipe` and `EmbeddedRecipe` import no torch, so that a configuration can inherit them. All other
names import torch when they are first used: a method uses them inside `fit`, `predict` and
`restore`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from geobench_torch.recipe import EmbeddedRecipe, Recipe

if TYPE_CHECKING:
    from geobench_torch.layers import Standardise
    from geobench_torch.loop import Trained, train_network
    from geobench_torch.reader import Batch, in_chunks, shuffled_batches
    from geobench_torch.seeding import seeded
    from geobench_torch.state import (
        count_parameters,
        load_module_state,
        module_state,
        packed,
        restored,
        unpacked,
    )

__all__ = [
    "Batch",
    "EmbeddedRecipe",
    "Recipe",
    "Standardise",
    "Trained",
    "count_parameters",
    "in_chunks",
    "load_module_state",
    "module_state",
    "packed",
    "restored",
    "seeded",
    "shuffled_batches",
    "train_network",
    "unpacked",
]

_HOMES = {
    "Batch": "reader",
    "Standardise": "layers",
    "Trained": "loop",
    "count_parameters": "state",
    "in_chunks": "reader",
    "load_module_state": "state",
    "module_state": "state",
    "packed": "state",
    "restored": "state",
    "seeded": "seeding",
    "shuffled_batches": "reader",
    "train_network": "loop",
    "unpacked": "state",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
