"""The method `im2gps`: a photo was taken where the photos that look like it were taken."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import (
    Config,
    Context,
    Examples,
    Floored,
    Gallery,
    Labelled,
    Points,
    Retriever,
    State,
    VonMisesFisherMixture,
    geo,
    smallest_by_hash,
)

if TYPE_CHECKING:
    from geobench_im2gps.vote import Electorate
    from geobench_retrieval.exact import ExactIndex
    from geobench_retrieval.kernel import Kernel
    from geobench_retrieval.neighbours import Neighbours

_ROWS = 256  # photos whose neighbours are compared in pairs at once


class Im2gpsConfig(Config):
    """Neighbours and kernel.

    The defaults were chosen with the encoder im2gps where no board tests (perf/tuning/im2gps.md):
    the highest mean of GeoScore over seen and unseen places, after a whole and after half a
    training set, but for `k`: 8 scores one point more than 16, at the same likelihood.
    """

    k: int = Field(
        16,
        ge=1,
        description="Photos that vote; all of them where the training side has fewer.",
    )
    bandwidth_km: float = Field(
        3200.0,
        gt=0,
        description="Standard deviation per axis, in km, of the kernel under which votes are "
        "summed for the answer.",
    )
    votes: Literal["similarity", "equal"] = Field(
        "similarity",
        description="What a neighbour's vote weighs in the answer: its softmax weight in the "
        "density, or the same for all.",
    )
    gallery: Gallery = Field(
        Gallery(),
        description="Which places it can answer with: training places (those of the neighbours), "
        "an even grid, or both.",
    )


@final
class Im2gpsMethod(Retriever):
    """The densest place among those of the k most similar training photos.

    Hays and Efros ("IM2GPS", CVPR 2008) answer with the mode of the places of the nearest photos;
    Vo, Jacobs and Hays ("Revisiting IM2GPS in the Deep Learning Era", ICCV 2017) with the
    maximum of a kernel density in which nearer photos weigh more. Here photo i of the k
    nearest weighs w_i = softmax(similarity_i / temperature), similarity being minus half the
    squared distance of the features. The answer is the neighbour's place around which most
    weight lies under a kernel of `bandwidth_km`; the density is the mixture of von Mises-Fisher
    kernels around the neighbours' places with these weights and one concentration, floored.
    Temperature, concentration and the floor's share maximise the likelihood of validation
    photos together (of at most 2,000, by smallest hash of id).

    Without validation photos the training photos (as many, chosen likewise) stand in, each
    looked for among the others; with a single training photo and no validation there is nothing
    to learn from: the kernel is that of `bandwidth_km` and the share 1/2.

    With a grid in its gallery the grid's places stand for election, too, or instead: the one
    around which most weight lies is the answer, and may lie where nobody has trained. The kernel is
    then no narrower than half the height of the grid's bands.

    The preset `paper` takes the 120 neighbours of Hays and Efros with equal votes. They seek the
    mode by mean shift, which may end between photos; here it is always one photo's place.

    FAISS and torch each bring an OpenMP runtime of their own; the Linux wheels work in one process
    whichever is imported first, which the tests try.
    """

    name = "im2gps"
    version = 1
    requires = ("faiss",)
    deterministic = True
    Config = Im2gpsConfig
    config: Im2gpsConfig
    presets = {"paper": {"k": 120, "votes": "equal", "bandwidth_km": 200.0}}

    _places: Points
    _elective: "Electorate | None"
    _index: "ExactIndex"
    _kernel: "Kernel"

    predicts = Floored

    @property
    def gallery_source(self) -> Gallery:
        return self.config.gallery

    wants = frozenset({"pooled"})

    @classmethod
    def tiny(cls, folder: Path) -> Im2gpsConfig:
        return Im2gpsConfig(k=8)

    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        self._look_at(train, context)
        context.check_deadline()
        self._kernel = self._fit_kernel(train, val)
        for name, value, unit in (
            ("neighbours", min(self.config.k, len(train)), "photos"),
            ("temperature", self._kernel.temperature, "squared feature distance"),
            ("concentration", self._kernel.concentration, "per squared radian"),
            ("floor share", self._kernel.share, "share"),
        ):
            context.fact(name, value, unit)

    def predict(self, examples: Examples, context: Context) -> Floored:
        near = self._search(examples, self.config.k)
        places = self._places[near.index]
        answers = self._elected(places, self._votes(near))
        return self._kernel.density(places, near.similarity, answers)

    def gallery(self) -> Points:
        """Training places (M, 2), those of a grid or a file, or both in this order, (G, 2)."""
        return self.config.gallery.places(self._places)

    def similarity(
        self, examples: Examples, places: NDArray[np.intp], context: Context
    ) -> geo.Floats:
        """How well photos fit places of the gallery, (N, m).

        Of training places alone, minus half the squared distance between the features of the photos
        and of those that were taken there. A place of a grid or a file has no photo: with such
        places it is the logarithm of the density of the neighbours' votes at the place, of all
        alike.
        """
        if self._elective is None:
            every = np.broadcast_to(places, (len(examples), places.shape[-1]))
            return self._index.similarity(examples.pooled[:], every)
        near = self._search(examples, self.config.k)
        voters, kappa = self._places[near.index], [[self._elective.concentration]]
        mixture = VonMisesFisherMixture(voters, kappa, self._votes(near))
        return mixture.log_prob(self.gallery()[np.atleast_2d(places)])

    def _votes(self, near: "Neighbours") -> geo.Floats:
        votes = self._kernel.weights(near.similarity)
        return np.ones_like(votes) if self.config.votes == "equal" else votes

    def _elected(self, voters: Points, votes: geo.Floats) -> Points:
        """The answers (N, 2) that neighbours' places (N, k, 2) and votes (N, k) make."""
        answers = np.empty((len(votes), 2))
        for start in range(0, len(votes), _ROWS):
            rows = slice(start, start + _ROWS)
            answers[rows] = self._elected_of(voters[rows], votes[rows])
        return answers

    def _elected_of(self, voters: Points, votes: geo.Floats) -> Points:
        if self._elective is None:
            return geo.densest_point(voters, votes, bandwidth_km=self.config.bandwidth_km)
        elected = self._elective.elect(voters, votes)
        if not self.config.gallery.has_training_places:
            return elected.places
        own = geo.densest_point(voters, votes, bandwidth_km=self._elective.bandwidth_km)
        better = elected.weight > self._elective.weight(own, voters, votes) * (1 + 1e-9)
        return np.where(better[:, None], elected.places, own)

    def state(self) -> dict[str, NDArray[Any]]:
        return {
            "temperature": np.array(self._kernel.temperature),
            "concentration": np.array(self._kernel.concentration),
            "share": np.array(self._kernel.share),
        }

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        from geobench_retrieval.kernel import Kernel

        self._look_at(train, context)
        self._kernel = Kernel(
            *(float(state[name]) for name in ("temperature", "concentration", "share"))
        )

    def _look_at(self, train: Labelled, context: Context) -> None:
        from geobench_im2gps.vote import Electorate
        from geobench_retrieval.exact import ExactIndex

        self._places, gallery = train.points, self.config.gallery
        self._elective = None
        if gallery.source != "training":
            self._elective = Electorate(gallery, bandwidth_km=self.config.bandwidth_km)
        self._index = ExactIndex(train.pooled, device=context.device, log=context.log)

    def _fit_kernel(self, train: Labelled, val: Labelled) -> "Kernel":
        from geobench_retrieval.kernel import Kernel

        if len(val):
            chosen = val.few(Floored.PHOTOS)
            near = self._search(chosen, self.config.k)
            return Kernel.fit(self._places[near.index], near.similarity, chosen.points)
        if len(train) == 1:
            return Kernel(1.0, float(geo.concentration_of(self.config.bandwidth_km)), 0.5)
        positions = smallest_by_hash(train.ids, Floored.PHOTOS)
        chosen = train.take(positions)
        near = self._search(chosen, self.config.k + 1).without(positions)
        return Kernel.fit(self._places[near.index], near.similarity, chosen.points)

    def _search(self, examples: Examples, k: int) -> "Neighbours":
        return self._index.search(examples.pooled[:], min(k, len(self._places)))
