"""Colours and dashes: readers tell them apart, those with a colour deficiency, too."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from skimage.color import rgb2lab

from geobench.catalogue import installed
from geobench.figures.maps import LEFT_OUT, ROLES, error_colours, role_colours
from geobench.figures.nearer import SIDES
from geobench.figures.style import looks
from geobench.names import CEILING

# Machado, Oliveira and Fernandes (2009), severity 1, for linear RGB.
DEFICIENCIES = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


def seen_by(colours, deficiency):
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.array(DEFICIENCIES[deficiency]).T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


PALETTES = {
    "methods": [look.colour for look in looks([f"m{n}" for n in range(7)]).values()],
    "roles": [*ROLES.values(), *LEFT_OUT.values(), "#e3e3e0"],
    "errors": [*error_colours().colors, "#e3e3e0"],
    "nearer": [*SIDES.values(), "#e3e3e0"],
}


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize("name", PALETTES)
def test_readers_with_a_colour_deficiency_tell_colours_apart(name, deficiency):
    assert least_difference(PALETTES[name], deficiency) > 8  # 2.3 is just noticeable


def least_difference(colours, deficiency):
    lab = rgb2lab(seen_by(np.array([to_rgb(colour) for colour in colours]), deficiency)[None])[0]
    return np.linalg.norm(lab[:, None] - lab[None], axis=-1)[np.triu_indices(len(lab), 1)].min()


def splits_in(folder):
    """Every split that is installed, as small as it comes, twins included, all with train_share and
    val_ratio."""
    for registered in installed().of_kind("split"):
        plugin = registered.plugin
        tiny = plugin.tiny(folder)
        settings = {"train_share": 0.5, "val_ratio": 0.05}
        yield plugin(tiny.model_copy(update=settings))
        if "surroundings" in plugin.Config.model_fields:
            yield plugin(tiny.model_copy(update={**settings, "surroundings": "train"}))
        if "val_unseen" in plugin.Config.model_fields:
            yield plugin(tiny.model_copy(update={**settings, "val_unseen": 0.5}))


# What only datasets with gaps have left out.
GAPS = {"official": ["no part"], "temporal": ["no date", "unreadable date"]}


def test_no_two_roles_of_a_split_have_one_colour_and_none_is_like_another(tmp_path):
    toy, marble = (installed().find("dataset", name)() for name in ("toy-planet", "blue-marble"))
    met = set()
    for split in splits_in(tmp_path):
        assignment = split.assign(toy if split.name == "temporal" else marble)
        left_out = {*assignment.left_out, *GAPS.get(split.name, [])}
        tested = [part.name for part in assignment.parts]
        roles = ["train", "val", *tested, *left_out]
        colours = role_colours(roles, tested=tested)
        assert sorted(colours) == sorted(set(roles))
        assert list(colours)[:2] == ["train", "val"]
        for deficiency in DEFICIENCIES:
            apart = least_difference([*colours.values(), "#e3e3e0"], deficiency)
            assert apart > 8, (split.name, colours)
        bright = [rgb2lab(to_rgb(colours[role]))[0] for role in left_out - {"set-aside"}]
        assert min(bright) > 60, colours
        met |= left_out
    assert met >= {*LEFT_OUT, *(reason for gaps in GAPS.values() for reason in gaps)}


def test_colours_that_are_handed_out_are_not_in_use():
    found = role_colours(["train", "b", "unseen", "a", "why", "seen"], tested=["b", "unseen", "a"])
    assert len(set(found.values())) == 6
    assert (found["unseen"], found["seen"]) == (ROLES["unseen"], LEFT_OUT["seen"])
    tested = role_colours(["unseen", "seen"], tested=["unseen", "seen"])
    assert tested["seen"] == ROLES["seen"] != LEFT_OUT["seen"]


def test_labels_beyond_the_palette_differ_in_their_dashes_and_markers():
    found = [
        look for label, look in looks([f"m{n}" for n in range(28)]).items() if label != CEILING
    ]
    assert len({(look.colour, str(look.dashes)) for look in found}) == 28
    assert len({(look.colour, look.marker) for look in found}) == 28
