"""Ten views of the encoder im2gps: the mean over crops and their mirror images."""

import numpy as np
import pytest
from pydantic import ValidationError

from geobench_im2gps.encoder import Im2gpsEncoderConfig
from geobench_im2gps.views import working_picture
from wavy_pictures import mirrored, picture, pooled, tokens

CROPS = {
    (48, 48): (42, 42),
    (37, 100): (33, 88),
    (9, 5): (8, 5),
    (1, 1): (1, 1),
    (1, 16): (1, 14),
}
"""Height and width of a picture -> of its crops: 7/8, rounded up."""


def crops(image):
    """The corners and the centre, sliced one by one, as working pictures.

    Mirror images are of these: resizing may round a tie up in a crop and down in its mirror image.
    """
    rows, columns = CROPS[image.shape[:2]]
    top, left = (image.shape[0] - rows) // 2, (image.shape[1] - columns) // 2
    sliced = [
        image[:rows, :columns],
        image[:rows, -columns:],
        image[-rows:, :columns],
        image[-rows:, -columns:],
        image[top : top + rows, left : left + columns],
    ]
    return [working_picture(crop, 48) for crop in sliced]


def other_way_round(found):
    """Tokens of a mirrored picture of 48 x 48 pixels, each where it is in the picture."""
    return found.reshape(5, 5, -1)[:, ::-1].reshape(25, -1)


@pytest.mark.parametrize("shape", CROPS, ids=str)
def test_ten_views_are_the_mean_over_crops_that_are_encoded_one_by_one(shape):
    image = picture(0, shape)
    views = [view for crop in crops(image) for view in (crop, mirrored(crop))]
    mean = np.mean([pooled(view) for view in views], axis=0)
    np.testing.assert_allclose(pooled(image, views=10), mean, atol=1e-6)
    there = [tokens(crop) for crop in crops(image)]
    there += [other_way_round(tokens(mirrored(crop))) for crop in crops(image)]
    mean = np.mean(there, axis=0)
    np.testing.assert_allclose(tokens(image, views=10), mean, atol=1e-6)


def test_the_mirror_image_has_the_same_ten_views_and_its_tokens_from_right_to_left():
    image = picture(1)
    assert not np.allclose(pooled(image), pooled(mirrored(image)), atol=1e-3)
    found, other = (pooled(each, views=10) for each in (image, mirrored(image)))
    np.testing.assert_allclose(found, other, atol=1e-6)
    found, other = (tokens(each, views=10) for each in (image, mirrored(image)))
    np.testing.assert_allclose(found, other_way_round(other), atol=1e-6)
    assert not np.allclose(found, other, atol=1e-3)


def test_a_token_stays_with_its_place():
    painted = np.full((48, 48, 3), 60, np.uint8)
    painted[:, 30:] = (250, 20, 130)
    for views in (1, 10):
        by_column = tokens(painted, views=views, gradient_weight=0)[:, :12].reshape(5, 5, 4, 3)
        redness = by_column[..., 1].mean(axis=(0, 2))
        assert redness[:2] == pytest.approx(0, abs=1e-3)
        assert redness[4] > 0.1


def test_a_mean_of_views_is_shorter_than_one():
    assert np.linalg.norm(pooled(picture(2))) == pytest.approx(1)
    assert 0.5 < np.linalg.norm(pooled(picture(2), views=10)) < 0.999
    plain = np.full((48, 48, 3), 90, np.uint8)
    np.testing.assert_allclose(pooled(plain, views=10), pooled(plain), atol=1e-6)


def test_there_are_one_view_or_ten():
    with pytest.raises(ValidationError, match="views"):
        Im2gpsEncoderConfig(views=5)
