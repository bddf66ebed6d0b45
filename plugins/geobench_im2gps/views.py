"""What is seen of a picture: the whole of it, or the mean over ten of its crops."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from skimage.color import rgb2lab
from skimage.transform import resize

from geobench import Image, geo
from geobench_im2gps import blocks, windows

_LARGE = 1 << 20  # pixels; pictures of as many or fewer are resized at once
_BOXES = 8  # per pixel of the working picture and side


@final
@dataclass(frozen=True, slots=True)
class Weighting:
    """How blocks are made and weighed.

    Args:
        chroma: the histograms' a and b axes span [-chroma, chroma].
        weights: of colours, histogram and gradients, (3,), which sum to 1.
    """

    chroma: float
    weights: geo.Floats


@final
@dataclass(frozen=True, slots=True)
class Seen:
    """Pooled features (D,) and tokens by row and column of their windows, (rows, columns, E)."""

    pooled: geo.Floats
    tokens: geo.Floats


def seen(image: Image, size: int, weighting: Weighting, *, crops: bool) -> Seen:
    """The features of a picture.

    Args:
        image: uint8 (H, W, 3).
        size: side of the working picture, a multiple of 8.
        weighting: of the blocks.
        crops: average over ten crops, instead of the whole picture.
    """
    if not crops:
        return _of(rgb2lab(working_picture(image, size)), weighting)
    views = []
    for crop in five_crops(image):
        lab = rgb2lab(working_picture(crop, size))
        # The mirror image is one of the working picture, so that it costs no second resizing.
        mirrored = _of(np.ascontiguousarray(lab[:, ::-1]), weighting)
        views += [_of(lab, weighting), Seen(mirrored.pooled, mirrored.tokens[:, ::-1])]
    return Seen(
        np.mean([view.pooled for view in views], axis=0),
        np.mean([view.tokens for view in views], axis=0),
    )


def five_crops(image: Image) -> Iterator[Image]:
    """The four corners and the centre of a picture, of 7/8 of its height and width, rounded up."""
    height, width = image.shape[:2]
    rows, columns = -(-7 * height // 8), -(-7 * width // 8)
    down, right = height - rows, width - columns
    for top, left in ((0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2)):
        yield image[top : top + rows, left : left + columns]


def working_picture(image: Image, size: int) -> Image:
    """The picture at size x size pixels; one that has this size already is taken as it is.

    It is blurred before it is sampled, which takes seconds at full size: one of more than a
    megapixel is first averaged over boxes, and blurred by what is then left to blur.
    """
    if image.shape[:2] == (size, size):
        return image
    height, width = image.shape[:2]
    blur = None
    if height * width > _LARGE:
        image = _boxed(image, size)
        blur = (
            *(
                _left_to_blur(before, after, size)
                for before, after in zip((height, width), image.shape[:2], strict=True)
            ),
            0.0,
        )
    smaller = resize(  # type: ignore[no-untyped-call]  # skimage is typed in part
        image, (size, size), anti_aliasing=True, anti_aliasing_sigma=blur, preserve_range=True
    )
    return np.asarray(np.clip(np.rint(smaller), 0, 255), dtype=np.uint8)


def _boxed(image: Image, size: int) -> Image:
    """Means over boxes, so that each side has at most `_BOXES * size` pixels."""
    from PIL import Image as PillowImage

    height, width = (min(side, _BOXES * size) for side in image.shape[:2])
    picture = PillowImage.fromarray(image)
    return np.asarray(picture.resize((width, height), PillowImage.Resampling.BOX))


def _left_to_blur(before: int, after: int, size: int) -> float:
    """The standard deviation, in pixels of a side brought from `before` to `after`, that makes the
    blur which skimage gives a side of `before` pixels: half a step of sampling, less half a pixel.
    """
    box = before / after
    wanted = max(0.0, (before / size - 1) / 2)
    variance = (wanted**2 - (box**2 - 1) / 12) / box**2  # a box has blurred a little already
    return float(np.sqrt(max(0.0, variance)))


def _of(lab: geo.Floats, weighting: Weighting) -> Seen:
    gradients = blocks.oriented_gradients(lab)
    roots = np.sqrt(weighting.weights)
    return Seen(
        blocks.pooled(lab, gradients, weighting.chroma, roots),
        windows.tokens(lab, gradients, weighting.chroma, roots),
    )
