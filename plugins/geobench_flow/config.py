"""The configurations: network and training of all, mixtures, solver and answers of flows."""

from typing import Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from geobench import InputPath
from geobench_torch import Recipe

Answer = Literal["sample", "likeliest", "mode", "bayes"]


class NetworkConfig(Recipe):
    """The network that all methods here share, and its training.

    The defaults are for the embedded benchmark. The preset `paper` has the published sizes.
    """

    steps: int = Field(1200, ge=1, description="updates of the weights: the budget")
    batch: int = Field(512, ge=1, description="photos per update; all of them if there are fewer")
    learning_rate: float = Field(
        2e-3, gt=0, description="the highest learning rate, after the warm-up"
    )
    average: bool = Field(
        True,
        description="answer with the moving average of the weights, of decay "
        "min(0.999, (1 + n) / (10 + n)) at step n",
    )
    width: int = Field(192, ge=16, multiple_of=8, description="of the network's blocks")
    depth: int = Field(3, ge=1, description="how many blocks there are")
    expansion: int = Field(4, ge=1, description="how many times wider the MLP of a block is")
    whitening: float = Field(
        0.0,
        ge=0,
        le=1,
        description="1 brings every feature to the same spread, 0 keeps their proportions",
    )
    dropout: float = Field(
        0.15, ge=0, lt=1, description="share of what is told of the photo that is dropped"
    )


class LikelihoodConfig(NetworkConfig):
    """Network and training of `vmf`: of what is trained by its likelihood."""

    learning_rate: float = Field(
        6e-3, gt=0, description="the highest learning rate, after the warm-up"
    )


class MixtureConfig(LikelihoodConfig):
    """Network and training of `vmf-mixture`."""

    components: int = Field(3, ge=1, description="von Mises-Fisher distributions of a photo")


class FlowConfig(NetworkConfig):
    """The network, its training, the solver, and what answers, of all flows."""

    weights: str | InputPath = Field("trained", description="whose weights")
    hidden_photos: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="share of the photos that the network is not shown in training, for `guidance`",
    )
    path: Literal["sigmoid", "linear"] = Field(
        "sigmoid",
        description="which times are trained and stepped through: mostly those near the data, or "
        "all alike",
    )
    order: Literal["rk4", "heun", "euler"] = Field(
        "rk4",
        description="of a sampling step: fourth, with four evaluations, second, with two, or "
        "first, with one",
    )
    sampling_steps: int = Field(
        16,
        ge=1,
        description="steps from noise to a place; with `density_steps` or more, of `rk4`, draws "
        "get their density along the way",
    )
    density_steps: int = Field(
        32,
        ge=32,
        description="steps of fourth order from a place to noise, along which its density is "
        "summed",
    )
    answer: Answer = Field(
        "sample",
        description="what answers: one draw; the likeliest of `draws`; the place on which most of "
        "them lie, by mean shift; or the draw with the best expected GeoScore",
    )
    draws: int = Field(32, ge=2, description="per photo, where `answer` is not `sample`")
    bandwidth_km: float = Field(
        100.0, gt=0, description="standard deviation per axis of the kernel of `answer: mode`"
    )
    guidance: float = Field(
        0.0,
        ge=0,
        description="w of classifier-free guidance, (1 + w) with the photo less w without; of "
        "answers alone: samples and densities are of one distribution, which is unguided",
    )

    @property
    def is_released(self) -> bool:
        """Whether the weights are the authors' own."""
        return self.weights != "trained"

    @classmethod
    def of_training(cls) -> frozenset[str]:
        """The keys that released weights have no use for."""
        return frozenset({*NetworkConfig.model_fields, "hidden_photos"})

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> Self:
        if info.context and info.context.get("stored"):
            return self  # what is stored shows every field
        unused = sorted(self.of_training() & self.model_fields_set)
        if self.is_released and unused:
            raise ValueError(
                f"{', '.join(f'`{key}`' for key in unused)}: released weights have sizes of their "
                "own and are not trained; leave it out, or set `weights: trained`"
            )
        if self.answer == "sample" and "draws" in self.model_fields_set:
            raise ValueError("`draws`: one draw answers; leave it out, or set `answer: bayes`")
        if self.answer != "mode" and "bandwidth_km" in self.model_fields_set:
            raise ValueError("`bandwidth_km` is of `answer: mode`; leave it out, or set that")
        if self.guidance and not self.hidden_photos:
            raise ValueError(
                "`guidance` compares answers with and without the photo, and the latter are learnt "
                "where photos are hidden: set `hidden_photos` to 0.1, say"
            )
        if self.guidance and self.answer == "likeliest":
            raise ValueError(
                "`answer: likeliest` compares densities, and those are unguided; leave `guidance` "
                "out, or choose another `answer`"
            )
        return self


def _published(names: str) -> str:
    return (
        "`trained` here, or the authors' own: the name of a release on huggingface.co "
        f"({names}), or a folder with its config.json and model.safetensors"
    )


class RiemannianConfig(FlowConfig):
    """Of `riemannian-flow`."""

    weights: Literal["trained", "PLONK_OSV_5M", "PLONK_YFCC", "PLONK_iNaturalist"] | InputPath = (
        Field("trained", description=_published("PLONK_YFCC, say"))
    )


class SpaceConfig(FlowConfig):
    """Of flows through space, which end near the sphere."""

    path: Literal["sigmoid", "linear"] = Field(
        "sigmoid", description="which times are trained: mostly those near the data, or all alike"
    )
    order: Literal["rk4", "heun", "euler"] = Field(
        "rk4",
        description="of a sampling step: fourth, with four evaluations, second, with two, or "
        "first, with one, which is that of DDIM in a diffusion",
    )
    sampling_steps: int = Field(16, ge=1, description="steps from noise to a place")
    answer: Answer = Field(
        "sample",
        description="what answers: one draw; the likeliest of `draws`; the place on which most of "
        "them lie, by mean shift; or the draw with the best expected GeoScore; all go one step "
        "on, to gamma = 1",
    )
    remaining: float = Field(
        1e-3,
        ge=1e-4,
        lt=0.5,
        description="1 - gamma at which draws and densities end: the noise that is left is the "
        "model's own",
    )
    ray_nodes: int = Field(
        16,
        ge=4,
        le=16,
        multiple_of=2,
        description="points on the ray of a place whose densities in space make its density on "
        "the sphere",
    )

    @classmethod
    def of_training(cls) -> frozenset[str]:
        return super().of_training() | {"path"}


class EuclideanFlowConfig(SpaceConfig):
    """Of `euclidean-flow`."""

    weights: (
        Literal["trained", "PLONK_OSV_5M_flow", "PLONK_YFCC_flow", "PLONK_iNaturalist_flow"]
        | InputPath
    ) = Field("trained", description=_published("PLONK_YFCC_flow, say"))


class EuclideanDiffusionConfig(SpaceConfig):
    """Of `euclidean-diffusion`."""

    weights: (
        Literal[
            "trained",
            "PLONK_OSV_5M_diffusion",
            "PLONK_YFCC_diffusion",
            "PLONK_iNaturalist_diffusion",
        ]
        | InputPath
    ) = Field("trained", description=_published("PLONK_YFCC_diffusion, say"))
