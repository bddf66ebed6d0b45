"""What all flows do as methods, and `riemannian-flow`: noise on the sphere, carried to places."""

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from geobench import Context, Examples, Floored, Labelled, Method, Points, State
from geobench_flow.answers import best_expected_geoscore, densest_mode
from geobench_flow.config import FlowConfig, RiemannianConfig
from geobench_flow.presets import PAPER, TINY
from geobench_flow.release import Release, seen_by

if TYPE_CHECKING:
    from geobench_flow.flow import Flow
    from geobench_flow.network import FieldNetwork
    from geobench_flow.processes import Process
    from geobench_flow.sphere import SphereFlow

DENSITY_PHOTOS = 250
"""The most validation photos whose densities are solved to fit the floor."""

_DOUBLED = 32  # of them, whose densities are solved with twice the steps, too


class FlowMethod(Method):
    """A learnt flow from noise to places, with an exact density."""

    version = 1
    requires = ("torch",)
    config: FlowConfig
    predicts = Floored
    wants = frozenset({"pooled"})

    _network: "FieldNetwork"
    _share: float

    @abstractmethod
    def process(self) -> "Process":
        """What carries noise to data."""

    @abstractmethod
    def flow(self, examples: Examples, context: Context) -> "Flow":
        """Of these photos. After fitting or restoring."""

    @property
    def origin(self) -> Literal["trained", "released"]:
        return "released" if self.config.is_released else "trained"

    @property
    def trained_on(self) -> str:
        return seen_by(self.config.weights) if self.config.is_released else ""

    @property
    def needs_training(self) -> bool:
        return not self.config.is_released

    @property
    def feature_width(self) -> int | None:
        return self._release().features if self.config.is_released else None

    def content(self) -> str:
        return self._release().content() if self.config.is_released else ""

    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        if self.config.is_released:
            self._network = self._release().network().to(context.device)
        else:
            from geobench_flow.learning import trained_network

            few = val.few(Floored.PHOTOS)
            self._network = trained_network(self.process(), train, few, self.config, context)
        chosen = val.few(DENSITY_PHOTOS)
        self.prepare(chosen if len(chosen) else train.few(DENSITY_PHOTOS), context)
        at_truths = np.empty(0)
        if len(chosen):
            rows = np.arange(len(chosen))
            at_truths = self.flow(chosen, context).log_prob(rows, chosen.points[:, None])[:, 0]
            self.look_closer(chosen.take(rows[:_DOUBLED]), at_truths[:_DOUBLED], context)
        else:
            context.log.warning("%s: no validation photo, the floor's share is 0.5", self.name)
        self._share = Floored.fit(at_truths)
        context.fact("floor share", self._share, "share")

    def prepare(self, chosen: Labelled, context: Context) -> None:
        """Measure of some photos what densities need, with the network trained: nothing."""

    def look_closer(self, some: Labelled, found: NDArray[np.float64], context: Context) -> None:
        """How much the densities `found` (N,) of N photos at the truth change with finer solves, as
        facts."""
        truths, rows = some.points[:, None], np.arange(len(some))
        steps = 2 * self.config.density_steps
        twice = self.flow(some, context).log_prob(rows, truths, steps=steps)[:, 0]
        change = float(np.abs(twice - found).mean())
        context.fact("density's change under step doubling", change, "nats")

    def predict(self, examples: Examples, context: Context) -> Floored:
        flow = self.flow(examples, context)
        return Floored(flow.density(self._answers(flow, examples, context)), self._share)

    def state(self) -> dict[str, NDArray[Any]]:
        from geobench_torch import packed

        network = {} if self.config.is_released else {"network": self._network}
        return packed(**network, share=self._share)

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        if self.config.is_released:
            self._network = self._release().network().to(context.device)
        else:
            from geobench_flow.network import FieldNetwork
            from geobench_torch import restored

            features = train.pooled.shape[1]
            self._network = restored(lambda: FieldNetwork(features, self.config), state, context)
        self._share = float(state["share"])

    def _release(self) -> Release:
        return Release.find(self.config.weights, method=self.name)

    def _answers(self, flow: "Flow", examples: Examples, context: Context) -> Points:
        """One place of each photo, of noise that depends on seed and photo alone, (N, 2)."""
        config, rows = self.config, np.arange(len(examples))
        count = 1 if config.answer == "sample" else config.draws
        noise = context.noise(examples.ids, (count, 3), f"{self.name} answer")
        draws = flow.answers(rows, noise, guidance=config.guidance)
        if config.answer == "mode":
            return densest_mode(draws, bandwidth_km=config.bandwidth_km)
        if config.answer == "bayes":
            return best_expected_geoscore(draws)
        if config.answer == "likeliest":
            likeliest = flow.log_prob(rows, draws).argmax(axis=1)
            return np.asarray(draws[rows, likeliest])
        return np.asarray(draws[:, 0])


@final
class RiemannianFlow(FlowMethod):
    """Riemannian flow matching: a place is where the flow of a learnt field takes uniform noise.

    After Dufour et al., "Around the World in 80 Timesteps" (CVPR 2025). A network says, of a point
    on the way, of how far it is and of a photo, which way to go on; it is trained by the velocities
    of geodesics from noise to true places. Its density is exact: the divergence on the sphere,
    summed along the way back.
    """

    name = "riemannian-flow"
    Config = RiemannianConfig
    config: RiemannianConfig
    presets = {"paper": PAPER, "released": {"weights": "PLONK_YFCC"}}

    @classmethod
    def tiny(cls, folder: Path) -> RiemannianConfig:
        return RiemannianConfig(**TINY, sampling_steps=8)

    def process(self) -> "Process":
        from geobench_flow.processes import OnSphere

        return OnSphere()

    def flow(self, examples: Examples, context: Context) -> "SphereFlow":
        from geobench_flow.flow import told_of
        from geobench_flow.sphere import SphereFlow

        told = told_of(self._network, examples, device=context.device)
        return SphereFlow(self._network, self.config, told)
