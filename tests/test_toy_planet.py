"""Tests of the toy planet: that its truth is the truth, and that it is as odd as it promises."""

import pickle
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from geobench import geo, toy_planet
from geobench.catalogue import installed
from geobench.data import Examples, Labelled, Rows
from geobench.methods import Context
from geobench.mixtures import VonMisesFisherMixture
from geobench.toy_planet import ToyOracle, ToyPlanet, ToyPlanetConfig, World, WorldConfig


@pytest.fixture(scope="module")
def planet():
    """The default planet with many photos, so that chance decides little."""
    return ToyPlanet(ToyPlanetConfig(photos=100_000))


def posterior(world, features, *, blends, noise):
    """Bayes' rule once more: one normal density after the other, with scipy."""
    shares = world.shares
    kinds = range(len(shares))
    pairs = list(combinations(kinds, 2))
    total = sum(shares[k] * shares[m] for k, m in pairs)
    joint = np.zeros((len(features), len(shares)))
    for k in kinds:
        shown = stats.multivariate_normal(world.codes[k], noise**2)
        joint[:, k] += (1 - blends) * shares[k] * shown.pdf(features)
    for k, m in pairs:
        shown = stats.multivariate_normal((world.codes[k] + world.codes[m]) / 2, noise**2)
        mass = blends * shares[k] * shares[m] / total * shown.pdf(features)
        joint[:, k] += mass * shares[k] / (shares[k] + shares[m])
        joint[:, m] += mass * shares[m] / (shares[k] + shares[m])
    return joint / joint.sum(axis=1, keepdims=True)


def scenes_of(planet):
    return planet.table.attributes["scene"].astype(int)


def log_prob(prediction, points):
    return prediction.log_prob(points[:, None])[:, 0]


# The truth


def test_the_posterior_is_what_bayes_rule_gives_component_by_component(planet):
    features = planet.photos.features[:3000]
    assert planet.photos.blended[:3000].mean() == pytest.approx(0.2, abs=0.03)
    np.testing.assert_allclose(
        planet.world.landscape_given(features),
        posterior(planet.world, features, blends=0.2, noise=0.5),
        atol=1e-12,
    )


def test_the_density_is_the_sum_over_landscapes_and_modes_that_scipy_gives(planet):
    features, points = planet.photos.features[:40], planet.photos.points[:40]
    world = planet.world
    expected = np.zeros(40)
    for k, m in np.ndindex(world.weights.shape):
        mode = stats.vonmises_fisher(
            geo.unit_vectors(world.means[k, m]), world.concentrations[k, m]
        )
        share = posterior(world, features, blends=0.2, noise=0.5)[:, k] * world.weights[k, m]
        expected += share * mode.pdf(geo.unit_vectors(points))
    np.testing.assert_allclose(np.exp(log_prob(world.density(features), points)), expected)


@pytest.mark.parametrize("blended", [False, True])
def test_the_density_of_a_photo_integrates_to_one(planet, blended):
    photos = np.flatnonzero(planet.photos.blended == blended)[:3]
    sines, weights = np.polynomial.legendre.leggauss(400)
    lat, lon = np.meshgrid(np.rad2deg(np.arcsin(sines)), np.arange(800) * 0.45 - 180, indexing="ij")
    places = np.stack([lat, lon], axis=-1).reshape(1, -1, 2)
    density = np.exp(planet.world.density(planet.photos.features[photos]).log_prob(places))
    integral = density.reshape(3, 400, 800).mean(axis=2) @ weights * 2 * np.pi
    np.testing.assert_allclose(integral, 1, atol=1e-9)


@pytest.mark.parametrize("which", ["all", "clear", "ambiguous"])
def test_a_landscape_is_as_frequent_as_its_posterior_share_says(planet, which):
    rows = planet.table.part == which if which != "all" else slice(None)
    share = planet.world.landscape_given(planet.photos.features)[rows]
    hit = scenes_of(planet)[rows, None] == np.arange(share.shape[1])
    bins = np.digitize(share, np.linspace(0, 1, 21)[1:-1])
    checked = 0
    for k, b in np.ndindex(share.shape[1], 20):
        inside = bins[:, k] == b
        spread = np.sqrt((share[inside, k] * (1 - share[inside, k])).sum())
        if spread > 3:
            checked += 1
            off = hit[inside, k].sum() - share[inside, k].sum()
            assert abs(off) < 4 * spread, (k, b, off / spread)
    assert checked >= 20


def test_landscapes_are_as_frequent_as_shares_and_blends_make_them(planet):
    shares, expected = planet.world.shares, 0.8 * planet.world.shares
    pairs = list(combinations(range(len(shares)), 2))
    total = sum(shares[k] * shares[m] for k, m in pairs)
    for k, m in pairs:
        for one in (k, m):
            chance = shares[one] / (shares[k] + shares[m])
            expected[one] += 0.2 * shares[k] * shares[m] / total * chance
    counts = np.bincount(scenes_of(planet))
    assert stats.chisquare(counts, expected * counts.sum()).pvalue > 0.001
    assert counts.sum() == 100_000


def test_the_places_of_a_landscape_are_drawn_from_its_modes(planet):
    world, scenes = planet.world, scenes_of(planet)
    for k in range(len(world.shares)):
        points = planet.table.points[scenes == k]
        modes = VonMisesFisherMixture(
            world.means[[k]], world.concentrations[[k]], world.weights[[k]]
        )
        drawn = modes.sample(len(points), np.random.default_rng(k))[0]
        # Latitude, longitude and distance to an odd place have the distribution of fresh draws.
        odd = (12.0, 34.0)
        for seen, fresh in (
            (points[:, 0], drawn[:, 0]),
            (points[:, 1], drawn[:, 1]),
            (geo.distance_km(points, odd), geo.distance_km(drawn, odd)),
        ):
            assert stats.ks_2samp(seen, fresh).pvalue > 1e-4


def test_the_noise_of_the_features_is_normal_and_as_large_as_configured(planet):
    plain = ~planet.photos.blended
    noise = planet.photos.features[plain] - planet.world.codes[scenes_of(planet)[plain]]
    assert stats.kstest(noise.ravel(), stats.norm(scale=0.5).cdf).pvalue > 1e-3
    np.testing.assert_allclose(np.cov(noise.T), 0.25 * np.eye(16), atol=0.25 * 5 / np.sqrt(5e4))


# The oracle


def oracle_of(planet, **config):
    """What `toy-oracle` answers to all photos, asked as the harness asks."""
    table = planet.table
    pooled = Rows([planet.features(np.arange(len(table))).pooled])
    oracle = ToyOracle(WorldConfig(**config))
    nothing = Labelled(table.ids[:0], table.points[:0])
    oracle.fit(nothing, nothing, Context(seed=0))
    again = ToyOracle(oracle.config)
    again.restore(oracle.state(), nothing, Context(seed=0))
    return again.predict(Examples(ids=table.ids, pooled=pooled), Context(seed=0))


def tempered(density, factor):
    return VonMisesFisherMixture(density.means, density.concentrations * factor, density.weights)


def sharpened(density, power):
    return VonMisesFisherMixture(density.means, density.concentrations, density.weights**power)


@pytest.mark.parametrize("which", ["all", "clear", "ambiguous"])
def test_no_alternative_has_a_lower_nll_than_the_oracle(planet, which):
    rows = np.isin(planet.table.part, [which]) if which != "all" else np.full(100_000, True)
    truth = oracle_of(planet)
    alternatives = {
        "too sharp": tempered(truth, 1.5),
        "too wide": tempered(truth, 1 / 1.5),
        "too sure of the mode": sharpened(truth, 1.5),
        "too unsure of the mode": sharpened(truth, 1 / 1.5),
        "less noise": oracle_of(planet, noise=0.4),
        "more noise": oracle_of(planet, noise=0.65),
        "no blends": oracle_of(planet, blends=0),
        "all blends": oracle_of(planet, blends=0.9),
        "photo not seen": planet.world.density(np.zeros((100_000, 16))),
        "another planet": oracle_of(planet, seed=1),
    }
    best = log_prob(truth, planet.table.points)[rows]
    for name, other in alternatives.items():
        lead = best - log_prob(other, planet.table.points)[rows]
        assert lead.mean() > 3 * lead.std() / np.sqrt(len(lead)), name


@pytest.mark.parametrize("which", ["all", "clear", "ambiguous"])
def test_the_nll_of_the_oracle_is_the_entropy_of_its_own_samples(planet, which):
    rows = np.isin(planet.table.part, [which]) if which != "all" else np.full(100_000, True)
    density = oracle_of(planet).take(np.flatnonzero(rows))
    at_truth = log_prob(density, planet.table.points[rows])
    drawn = density.log_prob(density.sample(4, np.random.default_rng(1))).mean(axis=1)
    gap = at_truth - drawn
    assert abs(gap.mean()) < 4 * gap.std() / np.sqrt(len(gap))
    assert gap.std() / np.sqrt(len(gap)) < 0.05


def test_an_ambiguous_photo_has_a_worse_nll_than_a_clear_one_even_for_the_oracle(planet):
    found = log_prob(oracle_of(planet), planet.table.points)
    part = planet.table.part
    assert found[part == "ambiguous"].mean() < found[part == "clear"].mean() - 0.5


def test_the_oracle_knows_the_tiny_planet_and_any_number_of_its_photos(tmp_path):
    answers = [
        World(config)
        for config in (
            ToyOracle.tiny(tmp_path),
            ToyPlanet.tiny(tmp_path),
            ToyPlanetConfig(photos=7, photographers=2),
        )
    ]
    for world in answers[1:]:
        for name, value in vars(answers[0]).items():
            np.testing.assert_array_equal(getattr(world, name), value, err_msg=name)
    with pytest.raises(ValueError, match="photos"):
        ToyOracle.Config(photos=3)


def test_the_posterior_of_a_photo_does_not_depend_on_how_many_are_asked_at_once(
    planet, monkeypatch
):
    features = planet.photos.features[:500]
    whole = planet.world.landscape_given(features)
    monkeypatch.setattr(toy_planet, "_PAIRS", 50)
    np.testing.assert_allclose(planet.world.landscape_given(features), whole, rtol=1e-12)


# What can be learnt


def numbers_of(planet, rows, source):
    features = planet.features(rows)
    if source == "pooled":
        return features.pooled
    if source == "tokens":
        return features.tokens.reshape(len(rows), -1)
    pictures = np.stack(list(planet.images(rows))).astype(float)
    return pictures.reshape(len(rows), 4, 4, 4, 4, 3).mean(axis=(2, 4, 5)).reshape(len(rows), 16)


@pytest.mark.parametrize("source", ["pooled", "tokens", "pictures"])
def test_scenes_can_be_learnt_from_clear_photos_and_only_half_from_ambiguous_ones(source):
    planet = ToyPlanet(ToyPlanetConfig(photos=12_000))
    part, scenes = planet.table.part, scenes_of(planet)
    numbers = numbers_of(planet, np.arange(12_000), source)
    train = part == "train"
    means = np.stack([numbers[train & (scenes == k)].mean(axis=0) for k in range(6)])
    square = ((numbers[:, None] - means) ** 2).sum(axis=-1)
    right = square.argmin(axis=1) == scenes
    assert right[part == "clear"].mean() > 0.85
    assert 0.4 < right[part == "ambiguous"].mean() < 0.65
    assert np.bincount(scenes).max() / 12_000 < 0.35


def test_a_picture_shows_each_number_as_a_block_of_grey(planet):
    rows = np.arange(50)
    for picture, code in zip(planet.images(rows), planet.features(rows).pooled, strict=True):
        assert picture.shape == (16, 16, 3)
        assert picture.dtype == np.uint8
        for number in range(16):
            top, left = number // 4 * 4, number % 4 * 4
            block = picture[top : top + 4, left : left + 4]
            assert (block == block[0, 0, 0]).all()
            assert (float(block[0, 0, 0]) - 128) / 40 == pytest.approx(code[number], abs=0.51 / 40)


def test_tokens_are_the_same_numbers_in_four_tokens_of_four(planet):
    features = planet.features(np.array([5, 3, 99_999]))
    assert features.pooled.shape == (3, 16)
    assert features.pooled.dtype == features.tokens.dtype == np.float32
    np.testing.assert_array_equal(features.tokens[1, 2], features.pooled[1, 8:12])


# Parts


def test_the_default_planet_has_all_four_parts_well_filled():
    for seed in range(5):
        part = ToyPlanet(ToyPlanetConfig(seed=seed)).table.part
        sizes = dict(zip(*np.unique(part, return_counts=True), strict=True))
        assert (sizes["train"], sizes["val"]) == (360, 90)
        assert sizes["ambiguous"] >= 15
        assert sizes["clear"] >= 100


def test_a_test_photo_is_ambiguous_by_its_published_features_alone(planet):
    part = planet.table.part
    tested = np.isin(part, ["clear", "ambiguous"])
    published = planet.features(np.flatnonzero(tested)).pooled.astype(float)
    most = posterior(planet.world, published, blends=0.2, noise=0.5).max(axis=1)
    np.testing.assert_array_equal(part[tested] == "ambiguous", most <= 0.75)


def test_which_photos_are_for_testing_says_nothing_about_them(planet):
    part = planet.table.part
    most = planet.world.landscape_given(planet.photos.features).max(axis=1)
    lat, lon = planet.table.points.T
    for kind in ("train", "val"):
        rest = np.isin(part, ["clear", "ambiguous"])
        for column in (most, lat, lon):
            assert stats.ks_2samp(column[part == kind], column[rest]).pvalue > 1e-3


@pytest.mark.parametrize("name", ["official", "random", "by-group", "unseen-cells"])
def test_it_can_be_split_in_every_way(name):
    planet = ToyPlanet()
    drawn = installed().find("split", name)().assign(planet)
    parts = {part.name: len(part) for part in drawn.parts}
    assert len(drawn.train) > 150
    assert len(drawn.val) > 20
    assert min(parts.values()) >= 15
    if name == "official":
        assert set(parts) == {"clear", "ambiguous"}
        for part in drawn.all_parts:
            assert (planet.table.part[part.rows] == part.name).all()


# Poles, date line, and every legal configuration


@pytest.mark.parametrize(("landscapes", "regions"), [(6, 3), (2, 1), (2, 2), (3, 1), (30, 1)])
@pytest.mark.parametrize("seed", [0, 1])
def test_there_are_photos_around_both_poles_and_on_both_sides_of_the_date_line(
    landscapes, regions, seed
):
    config = ToyPlanetConfig(photos=5000, landscapes=landscapes, regions=regions, seed=seed)
    points = ToyPlanet(config).table.points
    centres = [(90, 0), (-90, 0)]
    centres += [(-17, 180)] if regions > 1 else []
    centres += [(40, 180)] if landscapes > 2 else []
    for centre in centres:
        lon = points[geo.distance_km(points, centre) < 500, 1]
        assert min((lon > 0).sum(), (lon < 0).sum()) >= 10, centre


@pytest.mark.parametrize(
    "config",
    [
        {"landscapes": 2, "regions": 1},
        {"landscapes": 40, "regions": 5},
        {"blends": 0},
        {"blends": 1},
        {"noise": 1e-4},
        {"noise": 30},
        {"photographers": 1},
        {"photos": 1},
    ],
)
def test_every_legal_configuration_makes_a_planet(config):
    planet = ToyPlanet(ToyPlanetConfig(**config))
    table = planet.table
    assert set(table.part) <= {"train", "val", "clear", "ambiguous"}
    shares = planet.world.landscape_given(planet.photos.features)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert np.isfinite(log_prob(planet.world.density(planet.photos.features), table.points)).all()
    if "blends" in config:
        assert (planet.photos.blended == bool(config["blends"])).all()


def test_attributes_name_the_hemisphere_and_the_scene():
    table = ToyPlanet(ToyPlanetConfig(landscapes=11)).table
    assert set(table.attributes) == {"hemisphere", "scene"}
    assert set(table.attributes["scene"]) == {f"{k:02d}" for k in range(11)}
    np.testing.assert_array_equal(
        table.attributes["hemisphere"] == "north", table.points[:, 0] >= 0
    )


# The same planet again


def test_the_same_seed_makes_the_same_planet_and_another_one_another():
    planet = ToyPlanet()
    again, other = ToyPlanet(), ToyPlanet(ToyPlanetConfig(seed=1))
    rows = np.arange(600)
    assert planet.digest == again.digest
    np.testing.assert_array_equal(planet.features(rows).pooled, again.features(rows).pooled)
    assert planet.digest != other.digest
    assert not np.isclose(planet.table.points, other.table.points).any(axis=1).all()
    assert not np.isclose(planet.world.codes, other.world.codes).any()


def test_a_planet_travels_to_a_worker_before_and_after_it_was_used():
    fresh, used = ToyPlanet(), ToyPlanet()
    assert used.digest
    rows = np.array([4, 2])
    for planet in (fresh, used):
        there = pickle.loads(pickle.dumps(planet))
        assert there.digest == used.digest
        np.testing.assert_array_equal(there.features(rows).tokens, used.features(rows).tokens)
        np.testing.assert_array_equal(list(there.images(rows)), list(used.images(rows)))
