"""The method `riemannian-flow`: noise on the sphere, carried to places along learnt velocities."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from geobench import Context, Examples, Floored, Labelled, LazyDensity, Method, Points, State
from geobench_flow.answers import best_expected_geoscore, densest_mode
from geobench_flow.config import FlowConfig
from geobench_flow.presets import PAPER, TINY

if TYPE_CHECKING:
    from geobench_flow.flow import SphereFlow
    from geobench_flow.network import FieldNetwork

DENSITY_PHOTOS = 250
"""The most validation photos whose densities are solved to fit the floor."""

_DOUBLED = 32  # of them, whose densities are solved with twice the steps, too


@final
class RiemannianFlow(Method):
    """Riemannian flow matching: a place is where the flow of a learnt field takes uniform noise.

    After Dufour et al., "Around the World in 80 Timesteps" (CVPR 2025). A network says, of a point
    on the way, of how far it is and of a photo, which way to go on; it is trained by the velocities
    of geodesics from noise to true places. Its density is exact: the divergence on the sphere,
    summed along the way back.
    """

    name = "riemannian-flow"
    version = 1
    requires = ("torch",)
    Config = FlowConfig
    config: FlowConfig
    presets = {"paper": PAPER}
    predicts = Floored
    wants = frozenset({"pooled"})

    _network: "FieldNetwork"
    _share: float

    @classmethod
    def tiny(cls, folder: Path) -> FlowConfig:
        return FlowConfig(**TINY, sampling_steps=8)

    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        from geobench_flow.learning import trained_network

        self._network = trained_network(train, val.few(Floored.PHOTOS), self.config, context)
        chosen = val.few(DENSITY_PHOTOS)
        at_truths = np.empty(0)
        if len(chosen):
            flow, rows = self._flow(chosen, context), np.arange(len(chosen))
            at_truths = flow.log_prob(rows, chosen.points[:, None])[:, 0]
            some = rows[:_DOUBLED]
            twice = flow.log_prob(
                some, chosen.points[some, None], steps=2 * self.config.density_steps
            )
            change = np.abs(twice[:, 0] - at_truths[some]).mean()
            context.fact("density's change under step doubling", float(change), "nats")
        else:
            context.log.warning("%s: no validation photo, the floor's share is 0.5", self.name)
        self._share = Floored.fit(at_truths)
        context.fact("floor share", self._share, "share")

    def predict(self, examples: Examples, context: Context) -> Floored:
        flow = self._flow(examples, context)
        # The same solve gives densities where its steps are as fine as theirs.
        along = self.config.order == "rk4" and (
            self.config.sampling_steps >= self.config.density_steps
        )
        density = LazyDensity(
            self._answers(flow, examples, context),
            flow.draw,
            flow.log_prob,
            draw_with_log_prob=flow.draw_with_log_prob if along else None,
            trace=flow.trace,
        )
        return Floored(density, self._share)

    def state(self) -> dict[str, NDArray[Any]]:
        from geobench_torch import packed

        return packed(network=self._network, share=self._share)

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        from geobench_flow.network import FieldNetwork
        from geobench_torch import restored

        features = train.pooled.shape[1]
        self._network = restored(lambda: FieldNetwork(features, self.config), state, context)
        self._share = float(state["share"])

    def _flow(self, examples: Examples, context: Context) -> "SphereFlow":
        from geobench_flow.flow import SphereFlow

        return SphereFlow.of(self._network, self.config, examples, device=context.device)

    def _answers(self, flow: "SphereFlow", examples: Examples, context: Context) -> Points:
        """One place of each photo, of noise that depends on seed and photo alone, (N, 2)."""
        config, rows = self.config, np.arange(len(examples))
        count = 1 if config.answer == "sample" else config.draws
        noise = context.noise(examples.ids, (count, 3), "riemannian-flow answer")
        noise /= np.linalg.norm(noise, axis=-1, keepdims=True)
        draws = flow.carried(rows, noise, guidance=config.guidance)
        if config.answer == "mode":
            return densest_mode(draws, bandwidth_km=config.bandwidth_km)
        if config.answer == "bayes":
            return best_expected_geoscore(draws)
        if config.answer == "likeliest":
            likeliest = flow.log_prob(rows, draws).argmax(axis=1)
            return np.asarray(draws[rows, likeliest])
        return np.asarray(draws[:, 0])
