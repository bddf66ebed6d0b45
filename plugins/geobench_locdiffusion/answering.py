"""How a trained denoiser answers photos: the codes it draws, their density, their mode."""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from geobench import Cells, Context, Examples, Floored, Labelled, Points, State
from geobench_locdiffusion.anchors import anchors_of
from geobench_locdiffusion.config import LocDiffusionConfig
from geobench_locdiffusion.decoder import Decoder
from geobench_locdiffusion.density import EXPONENTS, CellLogits, Sharpened
from geobench_locdiffusion.network import Denoiser
from geobench_locdiffusion.sampling import Sampler
from geobench_torch import packed, restored


@final
class Answering:
    """A denoiser, and what makes densities and places of the codes that it draws.

    Args:
        network: trained, in evaluation mode, on the device.
        config: that of its training.
        device: where it works.
    """

    def __init__(self, network: Denoiser, config: LocDiffusionConfig, *, device: str) -> None:
        anchors = anchors_of(config, device=device)
        self.network = network
        self.sampler = Sampler(network, anchors, config, device=device)
        self.cells = CellLogits(
            config.rows_of_cells, degree=config.degree, scale=anchors.scale, device=device
        )
        self.decoder = Decoder(config.degree, radius_km=config.disc_km, device=device)
        self.sharpened = Sharpened()

    @classmethod
    def restored(
        cls, state: State, config: LocDiffusionConfig, *, features: int, context: Context
    ) -> "Answering":
        """From what `state` gave."""
        network = restored(lambda: Denoiser(features, config), state, context)
        answering = cls(network, config, device=context.device)
        answering.sharpened = Sharpened(float(state["exponent"]), float(state["share"]))
        return answering

    def state(self) -> dict[str, NDArray[Any]]:
        return packed(
            network=self.network,
            exponent=self.sharpened.exponent,
            share=self.sharpened.share,
        )

    def fit(self, val: Labelled, context: Context) -> None:
        """The likeliest exponent and floor for validation photos, if there are any."""
        if len(val):
            at_truths = np.empty((len(EXPONENTS), len(val)))
            for codes in self.sampler.codes(val, context):
                truths = val.points[codes.positions]
                at_truths[:, codes.positions] = self.cells.at_truths(codes, truths, EXPONENTS)
            self.sharpened = Sharpened.fit(at_truths)
        context.fact("exponent of the density", self.sharpened.exponent, "times")
        context.fact("floor share", self.sharpened.share, "share")

    def prediction(self, examples: Examples, context: Context) -> Floored:
        """One density per photo, whose point is the decoded mode of its codes' mean."""
        masses = np.empty((len(examples), len(self.cells.grid)))
        answers: Points = np.empty((len(examples), 2))
        for codes in self.sampler.codes(examples, context):
            masses[codes.positions] = self.cells.log_masses(codes, self.sharpened.exponent)
            answers[codes.positions] = self.decoder.decode(codes.clean.mean(dim=1))
        cells = Cells(self.cells.grid, masses, answers, count=len(examples))
        return Floored(cells, self.sharpened.share)
