"""The method `geoclip`: the places of a gallery whose embeddings are most like a photo's."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from geobench import (
    Context,
    Examples,
    Floored,
    Gallery,
    Labelled,
    Points,
    Retriever,
    State,
    geo,
)
from geobench_geoclip.config import GeoClipConfig
from geobench_geoclip.release import FEATURES, TRAINED_ON, Release

if TYPE_CHECKING:
    from geobench_geoclip.contrast import Contrast
    from geobench_geoclip.gallery import EmbeddedGallery
    from geobench_geoclip.network import GeoClipNetwork
    from geobench_retrieval.kernel import Kernel
    from geobench_retrieval.neighbours import Neighbours

UNFITTED_KM = 200.0
"""Standard deviation of a kernel, per axis, where no validation photo tells it."""

UNFITTED_SHARE = 0.5
"""The floor's share there."""

_LOOKED_AT = 256  # validation photos whose tail mass is measured
_WHILE_TRAINING = 65_536  # places, evenly spaced, among which validation photos are looked for


@final
class GeoClip(Retriever):
    """GeoCLIP: frozen features and GPS coordinates in one space, trained by contrast.

    Vivanco Cepeda, Nayak and Shah, "GeoCLIP", NeurIPS 2023. A photo's features go through a small
    head, a place (on the Equal Earth map) through random Fourier features of several scales and a
    perceptron each, whose outputs are summed; training tells a photo's own place from those of
    the batch and of a queue of earlier ones. The gallery is embedded once and kept in the cache.

    The answer is the most similar place. The density is a von Mises-Fisher mixture over the `k`
    most similar ones, weighted by the softmax under the temperature that was learnt; one
    concentration and the floor's share are the likeliest on validation photos.

    Left out: the paper's augmented views of one photo, because features are encoded once.
    """

    name = "geoclip"
    version = 1
    requires = ("torch", "faiss")
    Config = GeoClipConfig
    config: GeoClipConfig
    presets = {
        "paper": {
            # Sizes are those of the package `geoclip` 1.3.0; queue, noise, rate, decays and batch
            # are from memory, and so are 16 epochs of MP-16, after each of which the rate falls.
            "scales": (1.0, 16.0, 256.0),
            "frequencies": 256,
            "location_hidden": (1024, 1024, 1024),
            "image_hidden": (768,),
            "width": 512,
            "dropout": 0.0,
            "queue": 4096,
            "noise_m": 150.0,
            "queue_noise_m": 1000.0,
            "batch": 512,
            "steps": 16 * 4_723_695 // 512,
            "optimizer": "adam",
            "learning_rate": 3e-5,
            "weight_decay": 1e-6,
            "schedule": "step",
            "milestones": tuple(epoch / 16 for epoch in range(1, 16)),
            "milestone_factor": 0.87,
            "warmup": 0.0,
            "clip_norm": None,
        },
        "released": {"weights": "released", "gallery": {"source": "own"}},
    }

    _gallery: "EmbeddedGallery"
    _network: "GeoClipNetwork"
    _kernel: "Kernel"

    predicts = Floored
    wants = frozenset({"pooled"})

    @property
    def gallery_source(self) -> Gallery:
        return self.config.gallery

    @classmethod
    def tiny(cls, folder: Path) -> GeoClipConfig:
        return GeoClipConfig(
            k=16,
            scales=(1.0, 4.0),
            frequencies=16,
            location_hidden=(32,),
            image_hidden=(32,),
            width=16,
            dropout=0.0,
            queue=64,
            steps=100,
            batch=64,
            learning_rate=1e-2,
            evaluations=2,
        )

    @property
    def is_released(self) -> bool:
        """Whether the weights are the authors' own."""
        return self.config.weights == "released"

    @property
    def origin(self) -> Literal["trained", "released"]:
        return "released" if self.is_released else "trained"

    @property
    def trained_on(self) -> str:
        return TRAINED_ON if self.is_released else ""

    @property
    def needs_training(self) -> bool:
        return not self.is_released or self.config.gallery.has_training_places

    @property
    def deterministic(self) -> bool:
        return self.is_released

    @property
    def feature_width(self) -> int | None:
        return FEATURES if self.is_released else None

    def content(self) -> str:
        return self._release().content() if self.is_released else ""

    def own_places(self) -> Points:
        return self._release().places() if self.is_released else super().own_places()

    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        from geobench_geoclip.embedding import of_photos, tail_masses
        from geobench_geoclip.gallery import EmbeddedGallery
        from geobench_retrieval.kernel import Kernel

        places, chosen = self.places(train), val.few(Floored.PHOTOS)
        if self.is_released:
            self._network = self._release().network().to(context.device)
        else:
            self._network = self._trained(train, chosen, places, context)
        self._gallery = EmbeddedGallery.of(self._network, places, self.config, context)
        self._kernel = Kernel(
            self._network.temperature, float(geo.concentration_of(UNFITTED_KM)), UNFITTED_SHARE
        )
        if len(chosen):  # photos that are not there have no features, either
            near = self._near(chosen, context)
            self._kernel = _fitted_kernel(self._network, places[near.index], near, chosen.points)
            some = chosen.few(_LOOKED_AT)
            tail = tail_masses(
                of_photos(self._network, some.pooled, device=context.device),
                self._gallery.embeddings,
                self._near(some, context).index,
                scale=1 / self._network.temperature,
            )
            context.fact("probability left out of the density", float(tail.mean()), "share")
            if self.config.search != "exact":
                share = self._gallery.share_found(some, self.config.k, device=context.device)
                context.fact("recall of the search", share, "share")
        else:
            context.log.warning(
                "geoclip: no validation photo; kernels are %g km wide, the floor's share is %g",
                UNFITTED_KM,
                self._kernel.share,
            )
        for name, value, unit in (
            ("places of the gallery", len(places), "places"),
            ("temperature", self._kernel.temperature, "cosine"),
            ("concentration", self._kernel.concentration, "per squared radian"),
            ("floor share", self._kernel.share, "share"),
        ):
            context.fact(name, value, unit)

    def predict(self, examples: Examples, context: Context) -> Floored:
        near = self._near(examples, context)
        places = self._gallery.places[near.index]
        return self._kernel.density(places, near.similarity, places[:, 0])

    def gallery(self) -> Points:
        """The places that it can answer with, (G, 2), all of `gallery_source`."""
        return self._gallery.places

    def similarity(
        self, examples: Examples, places: NDArray[np.intp], context: Context
    ) -> geo.Floats:
        """The cosines of photos and places, less 1, (N, m)."""
        from geobench_geoclip.embedding import of_photos

        photos = of_photos(self._network, examples.pooled, device=context.device)
        every = np.broadcast_to(places, (len(examples), places.shape[-1]))
        return self._gallery.index.similarity(photos, every)

    def embed_locations(self, points: Points, context: Context) -> NDArray[np.float32]:
        """What the location encoder says of places (N, 2), in degrees, (N, width): features of a
        place that were learnt from photos, not normalised. After fitting or restoring."""
        from geobench_geoclip.embedding import location_features

        return location_features(self._network, geo.wrap(points), device=context.device)

    def state(self) -> dict[str, NDArray[Any]]:
        from geobench_torch import packed

        network = {} if self.is_released else {"network": self._network}
        return packed(**network, concentration=self._kernel.concentration, share=self._kernel.share)

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        from geobench_geoclip.gallery import EmbeddedGallery
        from geobench_geoclip.network import GeoClipNetwork
        from geobench_retrieval.kernel import Kernel
        from geobench_torch import restored

        if self.is_released:
            self._network = self._release().network().to(context.device)
        else:
            width = train.pooled.shape[1]
            self._network = restored(lambda: GeoClipNetwork(width, self.config), state, context)
        self._kernel = Kernel(
            self._network.temperature, float(state["concentration"]), float(state["share"])
        )
        self._gallery = EmbeddedGallery.of(self._network, self.places(train), self.config, context)

    def _trained(
        self, train: Labelled, chosen: Labelled, places: Points, context: Context
    ) -> "GeoClipNetwork":
        """Trained on `train`; the state kept is the best one on the validation photos `chosen`."""
        from geobench_geoclip.contrast import Contrast, ContrastiveLoss
        from geobench_geoclip.gallery import EmbeddedGallery
        from geobench_geoclip.network import GeoClipNetwork
        from geobench_torch import Standardise, train_network

        width = train.pooled.shape[1]
        # A gallery of millions is embedded once, and not at every look at validation.
        shown = places[:: -(-len(places) // _WHILE_TRAINING)]

        def build() -> "Contrast":
            network = GeoClipNetwork(width, self.config)
            network.standardise = Standardise.fitted(train.pooled, whitening=self.config.whitening)
            return Contrast(network, photos=len(train), queue=self.config.queue)

        def nll(contrast: "Contrast") -> float:
            """Of the floored density, on validation, under the kernel that suits it best."""
            network = contrast.network
            gallery = EmbeddedGallery.passing(network, shown, context)
            near = gallery.nearest(chosen, self.config.k, device=context.device)
            kernel = _fitted_kernel(network, shown[near.index], near, chosen.points)
            density = kernel.density(shown[near.index], near.similarity, chosen.points)
            return -float(density.log_prob(chosen.points[:, None])[:, 0].mean())

        trained = train_network(
            build,
            ContrastiveLoss(train.points, self.config, device=context.device),
            features=train.pooled,
            recipe=self.config,
            context=context,
            validate=nll if len(chosen) else None,
        )
        return trained.network.network

    def _release(self) -> Release:
        return Release.find(self.config.release)

    def _near(self, examples: Examples, context: Context) -> "Neighbours":
        return self._gallery.nearest(examples, self.config.k, device=context.device)


def _fitted_kernel(
    network: "GeoClipNetwork", places: Points, near: "Neighbours", truths: Points
) -> "Kernel":
    """The likeliest one for photos taken at `truths` (N, 2), with places (N, k, 2) near them."""
    from geobench_retrieval.kernel import Kernel

    return Kernel.fit(places, near.similarity, truths, temperature=network.temperature)
