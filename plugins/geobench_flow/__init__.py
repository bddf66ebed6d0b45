"""Flows: places that a learnt field carries noise to."""

from collections.abc import Sequence

from geobench import Method, hookimpl
from geobench_flow.method import RiemannianFlow
from geobench_flow.mixture_method import VonMisesFisher, VonMisesFisherMixtureMethod
from geobench_flow.space_method import EuclideanDiffusion, EuclideanFlow


@hookimpl
def register_methods() -> Sequence[type[Method]]:
    """Riemannian flow matching, and its baselines with the same network."""
    return [
        RiemannianFlow,
        EuclideanFlow,
        EuclideanDiffusion,
        VonMisesFisher,
        VonMisesFisherMixtureMethod,
    ]
