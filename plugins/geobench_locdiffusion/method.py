"""The method `locdiffusion`: codes of places in spherical harmonics, drawn by diffusion."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from numpy.typing import NDArray

from geobench import Context, EqualAreaGrid, Examples, Floored, Labelled, Method, State
from geobench_locdiffusion.config import LocDiffusionConfig

if TYPE_CHECKING:
    from geobench_locdiffusion.answering import Answering

FLOOR_PHOTOS = 250
"""The most validation photos whose codes are drawn to fit the density's exponent and floor."""


@final
class LocDiffusion(Method):
    """LocDiffusion: diffusion over spherical-harmonic codes of places, told of a photo's features.

    After Wang et al., "LocDiff" (NeurIPS 2025, arXiv 2503.18142); there is no public code, and
    what the paper leaves open is chosen here and shown in docs/locdiffusion.md. A place becomes
    the coefficients of a Dirac delta on the sphere up to a degree; a U-Net of sine layers learns
    to say of a noisy code which place it was, by a divergence of distributions on anchors; DDIM
    draws codes from noise. The density is the mean over a photo's codes of what the denoiser says
    of each, on even cells; the answer is the mode of their mean, decoded.
    """

    name = "locdiffusion"
    version = 1
    requires = ("torch",)
    Config = LocDiffusionConfig
    config: LocDiffusionConfig
    presets = {
        "paper": {
            # Degree 47 is that of the main results, from memory; anchors, widths, schedule and
            # steps are not known, and chosen here. Dropout is high, a reviewer says.
            "degree": 47,
            "target_km": 125.0,
            "widths": (1024, 512, 256),
            "condition": 1024,
            "dropout": 0.7,
            "sampling_steps": 50,
            "samples": 16,
            "disc_km": 100.0,
            "batch": 512,
            "steps": 10 * 4_723_695 // 512,  # ten epochs of MP-16
            "learning_rate": 3e-4,
            "average": True,
        }
    }
    predicts = Floored
    wants = frozenset({"pooled"})

    _answering: "Answering"

    @classmethod
    def tiny(cls, folder: Path) -> LocDiffusionConfig:
        return LocDiffusionConfig(
            degree=7,
            anchor_rows=16,
            target_km=800.0,
            widths=(64, 32),
            condition=32,
            dropout=0.0,
            block_dropout=0.0,
            sampling_steps=4,
            samples=2,
            cell_rows=24,
            steps=100,
            batch=64,
            learning_rate=3e-3,
            evaluations=2,
        )

    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        from geobench_locdiffusion.answering import Answering
        from geobench_locdiffusion.learning import trained_denoiser

        network = trained_denoiser(train, val.few(Floored.PHOTOS), self.config, context)
        self._answering = Answering(network, self.config, device=context.device)
        self._answering.fit(val.few(FLOOR_PHOTOS), context)
        if not len(val):
            context.log.warning(
                "%s: no validation photo, the floor's share is %g",
                self.name,
                self._answering.sharpened.share,
            )

    @property
    def cells(self) -> EqualAreaGrid:
        """The cells on which its densities are constant."""
        return EqualAreaGrid(self.config.rows_of_cells)

    def predict(self, examples: Examples, context: Context) -> Floored:
        return self._answering.prediction(examples, context)

    def state(self) -> dict[str, NDArray[Any]]:
        return self._answering.state()

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        from geobench_locdiffusion.answering import Answering

        self._answering = Answering.restored(
            state, self.config, features=train.pooled.shape[1], context=context
        )
