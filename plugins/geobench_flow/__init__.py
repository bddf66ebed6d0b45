"""Flows: places that a learnt field carries noise to."""

from collections.abc import Sequence

from geobench import Method, hookimpl
from geobench_flow.method import RiemannianFlow


@hookimpl
def register_methods() -> Sequence[type[Method]]:
    """Riemannian flow matching."""
    return [RiemannianFlow]
