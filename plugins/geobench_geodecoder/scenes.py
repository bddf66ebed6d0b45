"""Scene labels: which there are, what photos are labelled with, and what to do without."""

import numpy as np
from numpy.typing import NDArray

from geobench import ConfigError, Context, Labelled
from geobench_geodecoder.config import GeoDecoderConfig

_STREAM = 0x5CE  # tells the permutation of labels from other uses of the seed


def scene_names(train: Labelled, config: GeoDecoderConfig, context: Context) -> NDArray[np.str_]:
    """The labels of training photos, sorted: the first is of the first scene. None where there
    are no labels, or only one scene.

    Raises:
        ConfigError: more labels than scenes, or `scene_choice: hard` without labels.
    """
    attribute = config.scene_attribute
    if attribute is None or config.scenes == 1:
        return np.array([], dtype=np.str_)
    labels = _labels(train, attribute)
    names = np.unique(labels[labels != ""])
    if len(names) > config.scenes:
        raise ConfigError(
            f"photos have {len(names)} values of {attribute!r}, and there are {config.scenes} "
            "scenes",
            where="method geodecoder",
            remedy=f"Set `scenes: {len(names)}`, or name another attribute in `scene_attribute`, "
            "or null for none.",
        )
    if not len(names):
        there = ", ".join(train.attributes) or "none"
        lack = f"no training photo is labelled with its {attribute!r}"
        remedy = (
            f"Name an attribute in `scene_attribute` (there are: {there}), never one that gives "
            "the place away; or set it to null, and scenes are found without labels."
        )
        if config.scene_choice == "hard" or config.permute_scenes:
            raise ConfigError(lack, where="method geodecoder", remedy=remedy)
        context.log.warning("geodecoder: %s; the choice of a scene is soft. %s", lack, remedy)
    return names


def scene_numbers(
    photos: Labelled, attribute: str | None, names: NDArray[np.str_]
) -> NDArray[np.intp]:
    """The scene of each photo by its position among the names, (N,); -1 where it is not known."""
    if attribute is None or not len(names):
        return np.full(len(photos), -1)
    labels = _labels(photos, attribute)
    places = np.searchsorted(names, labels).clip(max=len(names) - 1)
    return np.where(names[places] == labels, places, -1)


def permuted(numbers: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
    """The same labels, each of another photo."""
    return np.random.default_rng([seed, _STREAM]).permutation(numbers)


def _labels(photos: Labelled, attribute: str) -> NDArray[np.str_]:
    """An attribute as strings, "" where it is not known or not there."""
    column = photos.attributes.get(attribute)
    if column is None:
        return np.full(len(photos), "", dtype=np.str_)
    words = np.asarray(column).astype(np.str_)
    return np.where(np.isnan(column), "", words) if column.dtype.kind == "f" else words
