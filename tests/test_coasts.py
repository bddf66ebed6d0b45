"""Sea and land: places whose surroundings everybody knows are what an atlas says of them."""

import numpy as np
import pytest

from geobench import coasts

AT_SEA = {
    "the middle of the Pacific": (0, -140),
    "the Pacific beside the date line": (30, 179.999),
    "the North Sea": (56, 3),
    "the English Channel": (50.2, -0.5),
    "the Black Sea": (43, 34),
    "the Weddell Sea": (-72, -45),
    "the North Pole": (90, 0),
    "the Gulf of Guinea at (0, 0)": (0, 0),
}
ASHORE = {
    "Lake Victoria": (-1, 33),
    "Lake Superior": (47.7, -87.5),
    "the Caspian": (42, 50.5),
    "the Golden Gate Bridge": (37.82, -122.478),
    "Venice": (45.4371, 12.3326),
    "Saint Helena": (-15.92, -5.72),
    "Nice, on the beach": (43.694, 7.264),
    "Greenland's ice": (72, -40),
    "the South Pole": (-90, 0),
    "the Ross Ice Shelf": (-80, -175),
    "Vostok": (-78.46, 106.8),
    "Chukotka beside the date line": (67, -179.999),
}


@pytest.mark.parametrize("name", AT_SEA)
def test_the_open_sea_is_sea(name):
    assert coasts.at_sea(np.array([AT_SEA[name]], float)).tolist() == [True]


@pytest.mark.parametrize("name", ASHORE)
def test_land_lakes_beaches_and_ice_are_not(name):
    assert coasts.at_sea(np.array([ASHORE[name]], float)).tolist() == [False]


def test_many_places_are_judged_as_each_alone_and_seven_tenths_of_the_globe_are_sea():
    rng = np.random.default_rng(0)
    latitude = np.degrees(np.arcsin(rng.uniform(-1, 1, 20_000)))
    points = np.stack([latitude, rng.uniform(-180, 180, 20_000)], -1)
    found = coasts.at_sea(points)
    assert found.mean() == pytest.approx(0.70, abs=0.02)
    for row in (0, 77, 19_999):
        assert coasts.at_sea(points[row : row + 1])[0] == found[row]
    assert coasts.at_sea(points[:0]).shape == (0,)


def test_what_a_mask_holds_is_read_only():
    with pytest.raises(ValueError, match="read-only"):
        coasts.mask("5min_f")[0, 0] = 9
