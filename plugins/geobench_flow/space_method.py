"""The methods `euclidean-flow` and `euclidean-diffusion`: noise in space, carried to the sphere."""

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from geobench import Context, Examples, Labelled, State
from geobench_flow.config import EuclideanDiffusionConfig, EuclideanFlowConfig, SpaceConfig
from geobench_flow.method import FlowMethod
from geobench_flow.presets import PAPER, TINY_IN_SPACE

if TYPE_CHECKING:
    from geobench_flow.processes import InSpace
    from geobench_flow.space import Radii, SpaceFlow

_RADII_DRAWS = 2000  # of all photos, whose lengths say where on a ray a density is looked at


class SpaceMethod(FlowMethod):
    """A flow from normal noise in space; a place is the direction of where it ends."""

    config: SpaceConfig

    _radii: "Radii"

    @abstractmethod
    def process(self) -> "InSpace":
        """What carries noise to data."""

    def flow(self, examples: Examples, context: Context) -> "SpaceFlow":
        return self._flow(examples, self._radii, context)

    def prepare(self, chosen: Labelled, context: Context) -> None:
        from geobench_flow.space import Radii

        flow = self._flow(chosen, Radii(0.0, 1.0, 1.0), context)
        each = max(8, -(-_RADII_DRAWS // max(1, len(chosen))))
        noise = context.noise(chosen.ids, (each, 3), f"{self.name} radii")
        self._radii = Radii.of(flow.carried(np.arange(len(chosen)), noise).points)
        context.fact("radius of draws", float(np.exp(self._radii.middle)), "radii of the sphere")
        context.fact("spread of shorter ones", self._radii.below, "of their logarithms")
        context.fact("spread of longer ones", self._radii.above, "of their logarithms")

    def look_closer(self, some: Labelled, found: NDArray[np.float64], context: Context) -> None:
        super().look_closer(some, found, context)
        truths, rows = some.points[:, None], np.arange(len(some))
        nodes = 2 * self.config.ray_nodes
        twice = self.flow(some, context).log_prob(rows, truths, nodes=nodes)[:, 0]
        change = float(np.abs(twice - found).mean())
        context.fact("density's change under node doubling", change, "nats")

    def state(self) -> dict[str, NDArray[Any]]:
        from geobench_torch import packed

        return super().state() | packed(radii=np.array(self._radii))

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        from geobench_flow.space import Radii

        super().restore(state, train, context)
        self._radii = Radii(*state["radii"].tolist())

    def _flow(self, examples: Examples, radii: "Radii", context: Context) -> "SpaceFlow":
        from geobench_flow.flow import told_of
        from geobench_flow.space import SpaceFlow

        told = told_of(self._network, examples, device=context.device)
        return SpaceFlow(self._network, self.config, told, process=self.process(), radii=radii)


@final
class EuclideanFlow(SpaceMethod):
    """Flow matching in space, from normal noise to the unit sphere.

    A baseline of Dufour et al., "Around the World in 80 Timesteps" (CVPR 2025).
    """

    name = "euclidean-flow"
    Config = EuclideanFlowConfig
    config: EuclideanFlowConfig
    presets = {"paper": PAPER, "released": {"weights": "PLONK_YFCC_flow"}}

    @classmethod
    def tiny(cls, folder: Path) -> EuclideanFlowConfig:
        return EuclideanFlowConfig(**TINY_IN_SPACE)

    def process(self) -> "InSpace":
        from geobench_flow.processes import Straight

        return Straight()


@final
class EuclideanDiffusion(SpaceMethod):
    """Diffusion in space, from normal noise to the unit sphere.

    A baseline of Dufour et al., "Around the World in 80 Timesteps" (CVPR 2025).
    """

    name = "euclidean-diffusion"
    Config = EuclideanDiffusionConfig
    config: EuclideanDiffusionConfig
    presets = {"paper": PAPER, "released": {"weights": "PLONK_YFCC_diffusion"}}

    @classmethod
    def tiny(cls, folder: Path) -> EuclideanDiffusionConfig:
        wider = {"width": 24, "steps": 800, "dropout": 0.4}
        return EuclideanDiffusionConfig(**{**TINY_IN_SPACE, **wider})

    def process(self) -> "InSpace":
        from geobench_flow.processes import Diffused

        return Diffused()
