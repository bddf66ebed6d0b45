"""The numbers of the authors' package that tests of flows are held against.

    pip install --no-deps --target plonk 'diff-plonk==0.4' geoopt einops
    PYTHONPATH=plonk python perf/flow_reference.py tests/plugins/flow/reference.json

It reads from the file what is asked (sizes, weights' names and shapes, points and times) and writes
what the package answers: outputs of its network, and losses and gradients of its three losses.
"""

import argparse
import json
import warnings
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from flow import losses, package, scheduler
from torch import Tensor, nn

PHOTOS = 6


def main() -> None:
    """Write the file anew."""
    about, _, more = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, help="reference.json")
    file = parser.parse_args().file
    warnings.simplefilter("ignore")
    asked = json.loads(file.read_text())
    network = made(asked)
    for case in asked["cases"]:
        features = np.random.default_rng(case["seed"]).standard_normal(
            (1, asked["sizes"]["features"])
        )
        with torch.no_grad():
            found = network(
                {
                    "y": torch.tensor([case["point"]]),
                    "gamma": torch.tensor([case["gamma"]]),
                    "emb": torch.tensor(features, dtype=torch.float32),
                }
            )
        case["output"] = found[0].tolist()
    asked["steps"] = {name: step(network, name, asked) for name in _LOSSES}
    file.write_text(json.dumps(asked, indent=1) + "\n")


_LOSSES = {
    "riemannian-flow": "RiemannianFlowMatchingLoss",
    "euclidean-flow": "FlowMatchingLoss",
    "euclidean-diffusion": "DDPMLoss",
}


def made(asked: dict[str, Any]) -> nn.Module:
    """The package's network with weights of a seed."""
    package()
    from plonk.models.networks.mlp import GeoAdaLNMLP

    sizes = asked["sizes"]
    network: nn.Module = GeoAdaLNMLP(3, sizes["width"], sizes["depth"], 4, sizes["features"])
    rng, state = np.random.default_rng(0), network.state_dict()
    for name, shape in asked["weights"]:
        state[name] = floats(rng.standard_normal(shape) * 0.2)
    network.load_state_dict(state)
    return network


def step(network: nn.Module, name: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Loss and gradient of six photos; the package's own draws are replaced by ours."""
    rng = np.random.default_rng(5)
    features, data, noise = (
        rng.standard_normal((PHOTOS, size)) for size in (asked["sizes"]["features"], 3, 3)
    )
    times, normal = floats(rng.uniform(size=PHOTOS)), floats(noise)
    data /= np.linalg.norm(data, axis=1, keepdims=True)
    module = losses()
    loss = getattr(module, _LOSSES[name])(scheduler())
    if name == "riemannian-flow":
        loss.manifold.random_base = lambda *_: normal / normal.norm(dim=1, keepdim=True)
    network.zero_grad()
    batch = {"x_0": floats(data), "label": floats(features), "emb": floats(features)}
    with (
        patch.object(module.torch, "rand", lambda *_, **__: times),
        patch.object(module.torch, "randn", lambda *_, **__: normal),
    ):
        found = loss(lambda net, given: net(given), network, batch).mean()
    found.backward()
    summed = {}
    for parameter_name, parameter in network.named_parameters():
        weights = np.random.default_rng(9).standard_normal(parameter.shape)
        assert parameter.grad is not None
        summed[parameter_name] = float((parameter.grad.double().numpy() * weights).sum())
    return {"loss": found.item(), "gradients": summed}


def floats(numbers: np.ndarray[Any, Any]) -> Tensor:
    """As a tensor of 32 bits."""
    return torch.tensor(numbers, dtype=torch.float32)


if __name__ == "__main__":
    main()
