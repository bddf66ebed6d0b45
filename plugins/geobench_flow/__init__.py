"""Flows: places that a learnt field carries noise to."""

from collections.abc import Sequence

from geobench import Method, hookimpl
from geobench_flow.method import RiemannianFlow
from geobench_flow.mixture_method import VonMisesFisher, VonMisesFisherMixtureMethod


@hookimpl
def register_methods() -> Sequence[type[Method]]:
    """Riemannian flow matching, and what the same network says without a flow."""
    return [RiemannianFlow, VonMisesFisher, VonMisesFisherMixtureMethod]
