"""The methods `vmf` and `vmf-mixture`: one von Mises-Fisher distribution of a photo, or several."""

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from numpy.typing import NDArray

from geobench import Context, Examples, Floored, Labelled, Method, State
from geobench_flow.config import LikelihoodConfig, MixtureConfig
from geobench_flow.presets import PAPER, TINY

if TYPE_CHECKING:
    from geobench_flow.mixtures import MixtureNetwork


class MixtureMethod(Method):
    """A network that says a mixture of von Mises-Fisher distributions, trained by its likelihood.

    The baselines of Dufour et al., "Around the World in 80 Timesteps" (CVPR 2025). The density is
    exact; the densest mean answers.
    """

    version = 1
    requires = ("torch",)
    Config = LikelihoodConfig
    config: LikelihoodConfig
    presets = {"paper": PAPER}
    predicts = Floored
    wants = frozenset({"pooled"})

    _network: "MixtureNetwork"
    _share: float

    @property
    @abstractmethod
    def components(self) -> int:
        """How many distributions a photo has."""

    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        from geobench_flow.mixtures import predicted, trained_mixture

        chosen = val.few(Floored.PHOTOS)
        self._network = trained_mixture(train, chosen, self.config, self.components, context)
        if not len(chosen):
            context.log.warning("%s: no validation photo, the floor's share is 0.5", self.name)
        density = predicted(self._network, chosen.pooled, device=context.device)
        self._share = Floored.fit(density.log_prob(chosen.points[:, None])) if len(chosen) else 0.5
        context.fact("floor share", self._share, "share")

    def predict(self, examples: Examples, context: Context) -> Floored:
        from geobench_flow.mixtures import predicted

        return Floored(
            predicted(self._network, examples.pooled, device=context.device), self._share
        )

    def state(self) -> dict[str, NDArray[Any]]:
        from geobench_torch import packed

        return packed(network=self._network, share=self._share)

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        from geobench_flow.mixtures import MixtureNetwork
        from geobench_torch import restored

        features = train.pooled.shape[1]
        self._network = restored(
            lambda: MixtureNetwork(features, self.config, self.components), state, context
        )
        self._share = float(state["share"])


@final
class VonMisesFisher(MixtureMethod):
    """One von Mises-Fisher distribution of each photo, of a direction and a concentration."""

    name = "vmf"

    @property
    def components(self) -> int:
        return 1

    @classmethod
    def tiny(cls, folder: Path) -> LikelihoodConfig:
        return LikelihoodConfig(**TINY)


@final
class VonMisesFisherMixtureMethod(MixtureMethod):
    """Several von Mises-Fisher distributions of each photo, three by default, and their shares."""

    name = "vmf-mixture"
    Config = MixtureConfig
    config: MixtureConfig

    @property
    def components(self) -> int:
        return self.config.components

    @classmethod
    def tiny(cls, folder: Path) -> MixtureConfig:
        return MixtureConfig(**TINY)
