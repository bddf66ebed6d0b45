"""The method `geodecoder`: a photo's cell at every level, by queries of the scene that it shows."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, final

import numpy as np
from numpy.typing import NDArray

from geobench import Context, Examples, Floored, Labelled, Rows, State
from geobench_cells import Classification, Hierarchy, Loss, Shapes
from geobench_geodecoder.config import GeoDecoderConfig
from geobench_geodecoder.explanation import Explanation
from geobench_geodecoder.joined import KINDS, joined
from geobench_geodecoder.scenes import permuted, scene_names, scene_numbers

if TYPE_CHECKING:
    from torch import Tensor

    from geobench_geodecoder.network import SceneDecoder
    from geobench_torch import Batch

MP16 = 4_723_695
"""Photos of MP-16, on which the paper trains."""


@final
class GeoDecoder(Classification):
    """GeoDecoder: queries by scene and level look at the tokens of frozen features.

    After Clark et al., Where We Are and What We're Looking At (CVPR 2023). The query of every
    scene and level goes through the decoder's blocks; the scene whose queries score best is the
    photo's, and a linear classifier for each level reads its query. A scene's score is the mean
    over levels of the first number of its queries' outputs. Where training photos are labelled
    with scenes, scores are trained by cross-entropy; else through the classifiers.

    The paper trains its backbone, too; here features are frozen. The preset `paper` has, with 196
    tokens of 1,024 numbers and the seven levels' 684, 1,744, 3,298, 7,202, 12,893, 16,150 and
    21,673 classes on MP-16, 138,154,396 parameters.
    """

    name = "geodecoder"
    version = 1
    Config = GeoDecoderConfig
    presets = {
        "paper": {
            # Seven levels, 16 scenes and 8 blocks are the paper's, from memory; how many of the
            # blocks are independent of the hierarchy is not known. Heads, widths, initial queries,
            # dropout, optimizer, schedule and 200 photos a batch are those of the authors' earlier
            # code (AHKerrigan/GeoGuessNet), which has three levels and six blocks.
            "max_photos": (25_000, 10_000, 5_000, 2_000, 1_000, 750, 500),
            "min_photos": 50,
            "max_level": 30,
            "features": "tokens",
            "whitening": 1.0,
            "width": 768,
            "heads": 12,
            "initial_queries": "uniform",
            "feed_forward": 1024,
            "independent_blocks": 4,
            "dependent_blocks": 4,
            "dropout": 0.1,
            "scenes": 16,
            "soft_labels_km": None,
            "label_smoothing": 0.1,
            "point": "cell",
            # 40 epochs of MP-16, 40 * 4,723,695 / 200; the rate is halved after every fourth.
            "batch": 200,
            "steps": 40 * MP16 // 200,
            "optimizer": "sgd",
            "learning_rate": 0.1,
            "momentum": 0.9,
            "weight_decay": 1e-4,
            "warmup": 0.0,
            "schedule": "step",
            "milestones": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
            "milestone_factor": 0.5,
        }
    }
    config: GeoDecoderConfig

    _hard: bool
    _scene_names: NDArray[np.str_]

    @classmethod
    def tiny(cls, folder: Path) -> GeoDecoderConfig:
        return GeoDecoderConfig(
            max_photos=(60, 20),
            min_photos=1,
            features="both",
            width=16,
            heads=2,
            feed_forward=16,
            independent_blocks=1,
            scenes=6,
            dropout=0.0,
            steps=60,
            batch=64,
            learning_rate=3e-3,
        )

    @property
    def wants(self) -> frozenset[str]:
        asked = self.config.features
        return frozenset(KINDS if asked == "both" else (asked,))

    def network(self, shapes: Shapes, classes: Sequence[int]) -> "SceneDecoder":
        from geobench_geodecoder.network import SceneDecoder

        return SceneDecoder(shapes, classes, self.config, hard=self._hard)

    def features(self, examples: Examples) -> Rows:
        held = {"pooled": lambda: examples.pooled, "tokens": lambda: examples.tokens}
        return joined({kind: held[kind]() for kind in self.wants})

    def loss(self, train: Labelled, hierarchy: Hierarchy, context: Context) -> Loss:
        import torch
        from torch.nn import functional

        of_levels = super().loss(train, hierarchy, context)
        numbers = scene_numbers(train, self.config.scene_attribute, self._scene_names)
        if self.config.permute_scenes:
            numbers = permuted(numbers, context.seed)
        scenes = torch.tensor(numbers, device=context.device)

        def total(network: "SceneDecoder", batch: "Batch") -> "Tensor":
            decoded = network.decode(batch.features)
            sought = scenes[batch.positions]
            of_scenes = functional.cross_entropy(
                decoded.scores, sought, ignore_index=-1, reduction="sum"
            ) / (sought >= 0).sum().clamp(min=1)
            return of_levels(lambda _: decoded.logits, batch) + self.config.scene_weight * of_scenes

        return total

    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        self._scene_names = scene_names(train, self.config, context)
        choice = self.config.scene_choice
        self._hard = choice == "hard" or (choice == "auto" and len(self._scene_names) > 0)
        super().fit(train, val, context)
        context.fact("labelled scenes", len(self._scene_names), "scenes")
        context.fact("hard scene choice", float(self._hard), "0 or 1")
        chosen = val.few(Floored.PHOTOS)
        truths = scene_numbers(chosen, self.config.scene_attribute, self._scene_names)
        known = np.flatnonzero(truths >= 0)
        if len(known):
            found = self._scenes(chosen.take(known), context).argmax(axis=1)
            context.fact("scene accuracy", float((found == truths[known]).mean()), "share")

    def explain(self, examples: Examples, context: Context) -> Explanation:
        """What the queries of every scene and level look at in these photos; after fitting or
        restoring, and on few photos at once: it holds N * S * H * T' numbers.

        `geobench.trained(...)` gives the method, its context, and examples of pictures.
        """
        from geobench_geodecoder.explaining import attention

        features = self.features(examples)
        return Explanation(
            attention=attention(self._decoder, features, device=context.device),
            scenes=self._scenes(examples, context),
            names=tuple(self._scene_names.tolist()),
            tokens=self._shapes["tokens"][0] if "tokens" in self._shapes else 0,
        )

    def state(self) -> dict[str, NDArray[Any]]:
        scenes = {"hard_scene": np.array(self._hard), "scene_names": self._scene_names}
        return super().state() | scenes

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        self._hard = bool(state["hard_scene"])
        self._scene_names = np.asarray(state["scene_names"], dtype=np.str_)
        super().restore(state, train, context)

    @property
    def _decoder(self) -> "SceneDecoder":
        return cast("SceneDecoder", self._network)

    def _scenes(self, examples: Examples, context: Context) -> NDArray[np.float64]:
        from geobench_geodecoder.explaining import scene_probabilities

        features = self.features(examples)
        return scene_probabilities(self._decoder, features, device=context.device)
