"""The plugin geobench_im2gps: its features, its exact neighbours, and its density."""

import subprocess
import sys

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import vonmises_fisher
from skimage.color import rgb2lab

from geobench import (
    ConfigError,
    Context,
    DataError,
    Floored,
    Gallery,
    Labelled,
    NotFittedError,
    PredictionError,
    Rows,
    VonMisesFisherMixture,
    geo,
)
from geobench.toy_planet import ToyPlanet, ToyPlanetConfig
from geobench_im2gps import register_encoders, register_methods
from geobench_im2gps.encoder import Im2gpsEncoder, Im2gpsEncoderConfig
from geobench_im2gps.method import Im2gpsConfig, Im2gpsMethod

TINY, HISTOGRAM = slice(0, 192), slice(192, 192 + 784)


def picture(seed, shape=(48, 48)):
    """A smooth coloured picture with some noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]] / max(shape)
    waves = [np.sin(6 * (rows * a + columns * b) + c) for a, b, c in rng.uniform(-1, 1, (3, 3))]
    noisy = np.stack(waves, -1) * 60 + rng.integers(60, 190, 3) + rng.normal(0, 5, (*shape, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def photos(features, points=None, name="photo"):
    ids = np.array([f"{name}-{i}" for i in range(len(features))])
    points = np.zeros((len(features), 2)) if points is None else points  # of photos to be asked for
    return Labelled(ids, points, pooled=Rows([np.asarray(features, np.float32)]))


def planet(count, seed, kinds=12):
    """Photos of a few regions whose features say which region it is, with noise."""
    world = np.random.default_rng(7)
    centres, codes = geo.uniform(kinds, world), world.standard_normal((kinds, 8))
    rng = np.random.default_rng(seed)
    kind = rng.integers(kinds, size=count)
    places = VonMisesFisherMixture(centres[kind][:, None], [[2000.0]]).sample(1, rng)[:, 0]
    return photos(codes[kind] + 0.3 * rng.standard_normal((count, 8)), places, f"planet-{seed}")


def fitted(train, val, **config):
    method = Im2gpsMethod(Im2gpsConfig(**config))
    method.fit(train, val, Context(seed=0))
    return method


def nothing(like):
    return like.take(np.arange(0))


def asked(examples):
    return examples.unlabelled()


def test_the_plugin_registers_one_encoder_and_one_method():
    assert list(register_encoders()) == [Im2gpsEncoder]
    assert list(register_methods()) == [Im2gpsMethod]
    assert Im2gpsEncoder.describe().startswith("Classical features")


def test_importing_the_plugin_loads_nothing_heavy():
    code = (
        "import sys, geobench_im2gps; "
        "print(sorted({'skimage', 'scipy', 'faiss', 'torch', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_picture_gives_1876_numbers_whose_blocks_have_the_weights_of_the_config():
    config = Im2gpsEncoderConfig(tiny_weight=1, histogram_weight=2, gradient_weight=5)
    vector = Im2gpsEncoder(config).prepare(picture(0))
    assert vector.shape == (1876,)
    assert vector.dtype == np.float32
    squares = vector.astype(np.float64) ** 2
    blocks = [squares[TINY].sum(), squares[HISTOGRAM].sum(), squares[976:].sum()]
    np.testing.assert_allclose(blocks, [1 / 8, 2 / 8, 5 / 8], atol=1e-6)


def test_a_weight_of_zero_silences_its_block_alone():
    vector = Im2gpsEncoder(Im2gpsEncoderConfig(histogram_weight=0)).prepare(picture(0))
    assert not vector[HISTOGRAM].any()
    assert vector[TINY].any()
    assert vector[976:].any()


@pytest.mark.parametrize("chroma", [8.0, 32.0, 110.0])
def test_the_histogram_agrees_with_numpy(chroma):
    only = Im2gpsEncoderConfig(chroma=chroma, tiny_weight=0, gradient_weight=0)
    found = Im2gpsEncoder(only).prepare(picture(3))[HISTOGRAM]
    inside = 1 - 1e-9
    lab = rgb2lab(picture(3)).reshape(-1, 3)
    lab[:, 1:] = np.clip(lab[:, 1:], -chroma * inside, chroma * inside)
    edges = [(0, 100), (-chroma, chroma), (-chroma, chroma)]
    counts, _ = np.histogramdd(lab, bins=(4, 14, 14), range=edges)
    np.testing.assert_allclose(found, np.sqrt(counts / counts.sum()).ravel(), atol=1e-6)


def test_the_tiny_image_holds_the_mean_colours_of_its_squares():
    only = Im2gpsEncoderConfig(histogram_weight=0, gradient_weight=0)
    found = Im2gpsEncoder(only).prepare(picture(4))[TINY].reshape(8, 8, 3)
    lab = rgb2lab(picture(4)) - [50, 0, 0]
    expected = np.array(
        [
            [lab[6 * i : 6 * i + 6, 6 * j : 6 * j + 6].mean(axis=(0, 1)) for j in range(8)]
            for i in range(8)
        ]
    )
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-6)


def test_the_gradients_tell_stripes_apart_by_their_direction():
    only = Im2gpsEncoder(Im2gpsEncoderConfig(tiny_weight=0, histogram_weight=0))
    wave = (127 + 100 * np.sin(np.arange(48) * 2 * np.pi / 12)).astype(np.uint8)
    upright = np.repeat(np.broadcast_to(wave, (48, 48))[..., None], 3, axis=2)
    across = np.ascontiguousarray(upright.transpose(1, 0, 2))
    shifted = np.ascontiguousarray(np.roll(upright, 6, axis=1))
    first, second, third = (only.prepare(image) for image in (upright, across, shifted))
    assert first @ second < 0.1
    assert first @ third > 0.9


@pytest.mark.parametrize("value", [0, 119, 255])
def test_a_picture_without_any_structure_has_finite_features(value):
    vector = Im2gpsEncoder().prepare(np.full((48, 48, 3), value, np.uint8))
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector[HISTOGRAM]) > 0
    assert not vector[976:].any()


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (37, 100), (48, 47), (300, 200)])
def test_a_picture_of_any_size_gives_as_many_numbers(shape):
    vector = Im2gpsEncoder().prepare(picture(5, shape))
    assert vector.shape == (1876,)
    assert np.isfinite(vector).all()


def test_an_enlarged_picture_has_nearly_the_same_features():
    encoder = Im2gpsEncoder()
    small = encoder.prepare(picture(6))
    large = encoder.prepare(np.repeat(np.repeat(picture(6), 4, axis=0), 4, axis=1))
    other = encoder.prepare(picture(60))
    assert small @ large > 0.97
    assert small @ large > small @ other


def test_encode_stacks_and_a_picture_does_not_depend_on_its_batch():
    encoder = Im2gpsEncoder()
    prepared = np.stack([encoder.prepare(picture(seed)) for seed in range(4)])
    together = encoder.encode(prepared, tokens=False)
    alone = encoder.encode(prepared[2:3], tokens=False)
    assert together.tokens is None
    assert together.pooled is not None
    assert alone.pooled is not None
    assert together.pooled.dtype == np.float32
    np.testing.assert_array_equal(together.pooled[2:3], alone.pooled)


def test_tokens_are_refused_with_a_remedy():
    with pytest.raises(ConfigError, match=r"no tokens.*pooled features"):
        Im2gpsEncoder().encode(np.zeros((1, 1876)), tokens=True)


def test_the_encoders_digest_follows_its_config():
    changed = [
        {},
        {"size": 64},
        {"chroma": 40.0},
        {"tiny_weight": 0.3},
        {"gradient_weight": 0},
    ]
    digests = {Im2gpsEncoder(Im2gpsEncoderConfig(**c)).digest("pooled") for c in changed}
    assert len(digests) == len(changed)


def test_weights_that_are_all_zero_and_odd_sizes_are_errors():
    with pytest.raises(ValidationError, match="all three weights are 0"):
        Im2gpsEncoderConfig(tiny_weight=0, histogram_weight=0, gradient_weight=0)
    with pytest.raises(ValidationError, match="multiple of 8"):
        Im2gpsEncoderConfig(size=50)


@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_neighbours_agree_with_scikit_learn_even_where_float32_cancels(offset):
    from sklearn.neighbors import NearestNeighbors

    from geobench_im2gps.neighbours import PhotoIndex

    rng = np.random.default_rng(0)
    features = (offset + rng.standard_normal((3000, 24))).astype(np.float32)
    queries = (offset + rng.standard_normal((200, 24))).astype(np.float32)
    context = Context(seed=0)
    index = PhotoIndex(Rows([features[:999], features[999:]]), device="cpu", log=context.log)
    near = index.search(queries, 30)
    exact = NearestNeighbors(n_neighbors=30, algorithm="brute").fit(features.astype(np.float64))
    distance, found = exact.kneighbors(queries.astype(np.float64))
    np.testing.assert_array_equal(near.index, found)
    np.testing.assert_allclose(near.similarity, -(distance**2) / 2, atol=1e-8)
    np.testing.assert_array_equal(near.similarity, index.similarity(queries, near.index))


def test_equal_photos_come_in_order_of_position_however_many_they_are():
    from geobench_im2gps.neighbours import PhotoIndex

    rng = np.random.default_rng(1)
    features = rng.standard_normal((700, 5)).astype(np.float32)
    same = np.sort(rng.permutation(700)[:400])
    features[same] = 3.0
    index = PhotoIndex(Rows([features]), device="cpu", log=Context(seed=0).log)
    queries = np.concatenate([np.full((1, 5), 3.1), rng.standard_normal((40, 5))])
    near = index.search(queries.astype(np.float32), 20)
    np.testing.assert_array_equal(near.index[0], same[:20])


def test_features_that_are_not_finite_are_an_error():
    method = fitted(planet(50, 0), planet(20, 1), k=5)
    with pytest.raises(PredictionError, match="not finite"):
        method.predict(photos(np.full((1, 8), np.nan)), Context(seed=0))


def test_an_answer_does_not_depend_on_the_batch_that_the_photo_came_in():
    train, test = planet(2000, 0), planet(600, 2)
    method, context = fitted(train, planet(200, 1)), Context(seed=0)
    together = method.predict(asked(test), context)
    log_p = together.log_prob(test.points[:, None])[:, 0]
    for photo in range(0, 600, 23):
        row = np.array([photo])
        alone = method.predict(asked(test).take(row), context)
        np.testing.assert_allclose(alone.point()[0], together.point()[photo], atol=1e-6)
        own = alone.log_prob(test.points[row][:, None])[0, 0]
        assert own == pytest.approx(log_p[photo], abs=1e-6)


def test_the_answer_is_a_training_place_and_the_densest_among_the_neighbours():
    train, test = planet(500, 0), asked(planet(20, 2))
    method = fitted(train, planet(100, 1), k=15, bandwidth_km=300.0)
    answers = method.predict(test, Context(seed=0)).point()
    gallery, everything = method.gallery(), np.tile(np.arange(500), (20, 1))
    similarity = method.similarity(test, everything, Context(seed=0))
    temperature = float(method.state()["temperature"])
    for row in range(20):
        nearest = np.argsort(-similarity[row])[:15]
        votes = np.exp((similarity[row][nearest] - similarity[row].max()) / temperature)
        apart = geo.distance_km(gallery[nearest][:, None], gallery[nearest])
        kernel = np.exp(geo.concentration_of(300.0) * (np.cos(apart / 6371.0088) - 1))
        best = nearest[(kernel * votes).sum(axis=1).argmax()]
        np.testing.assert_array_equal(answers[row], gallery[best])


@pytest.mark.parametrize("votes", ["similarity", "equal"])
@pytest.mark.parametrize("source", ["grid", "both"])
@pytest.mark.parametrize(("rows", "bandwidth"), [(40, 300.0), (12, 40.0)])
def test_the_answer_from_a_grid_is_the_place_of_which_most_weight_lies_around(
    source, votes, rows, bandwidth
):
    train, test = planet(500, 0), asked(planet(60, 2))
    gallery = Gallery(source=source, rows=rows)
    config = {"k": 15, "bandwidth_km": bandwidth, "votes": votes}
    method = fitted(train, planet(100, 1), gallery=gallery, **config)
    assert method.gallery_source == gallery
    answers = method.predict(test, Context(seed=0)).point()
    near = method._search(test, 15)
    weights = np.ones((60, 15)) if votes == "equal" else method._kernel.weights(near.similarity)
    grid = gallery.places(np.empty((0, 2)))
    bandwidth = max(bandwidth, np.pi * 6371.0088 / rows / 2)
    for row in range(60):
        voters = train.points[near.index[row]]
        electable = np.concatenate([voters, grid]) if source == "both" else grid
        apart = geo.distance_km(electable[:, None], voters)
        kernel = np.exp(geo.concentration_of(bandwidth) * (np.cos(apart / 6371.0088) - 1))
        best = (kernel * weights[row]).sum(axis=1)
        chosen = geo.distance_km(electable, answers[row]).argmin()
        assert geo.distance_km(electable[chosen], answers[row]) < 1e-3
        # Beyond four bandwidths a kernel counts as nothing.
        assert best[chosen] >= best.max() - 15 * np.exp(-8.0)


@pytest.mark.parametrize("source", ["grid", "both"])
@pytest.mark.parametrize("rows", [2, 7, 30])
def test_a_kernel_narrower_than_the_grid_still_elects_a_place_near_the_voters(source, rows):
    train, test = planet(200, 0), asked(planet(40, 2))
    gallery = Gallery(source=source, rows=rows)
    method = fitted(train, planet(40, 1), k=1, bandwidth_km=1.0, gallery=gallery)
    together = method.predict(test, Context(seed=0)).point()
    voters = fitted(train, planet(40, 1), k=1).predict(test, Context(seed=0)).point()
    if source == "both":
        np.testing.assert_array_equal(together, voters)
    else:
        nearest = geo.Places(gallery.fixed()).nearest(voters)
        np.testing.assert_allclose(geo.distance_km(together, voters), nearest.distance_km)
    for photo in range(0, 40, 5):
        alone = method.predict(test.take(np.array([photo])), Context(seed=0)).point()
        np.testing.assert_array_equal(alone[0], together[photo])


def test_with_a_fine_grid_photos_are_elected_a_few_at_a_time(monkeypatch):
    from geobench_im2gps import vote

    train, test = planet(300, 0), asked(planet(30, 2))
    method = fitted(train, planet(40, 1), k=5, gallery=Gallery(source="grid", rows=90))
    whole = method.predict(test, Context(seed=0)).point()
    monkeypatch.setattr(vote, "_PAIRS", 1000)
    np.testing.assert_array_equal(method.predict(test, Context(seed=0)).point(), whole)


def test_with_a_grid_answers_leave_the_training_places_and_the_density_stays():
    train, val, test = planet(500, 0), planet(100, 1), planet(60, 2)
    gallery = Gallery(source="both", rows=300)
    plain, wider = fitted(train, val, k=15), fitted(train, val, k=15, gallery=gallery)
    before, after = (m.predict(asked(test), Context(seed=0)) for m in (plain, wider))
    at = test.points[:, None]
    np.testing.assert_array_equal(before.log_prob(at), after.log_prob(at))
    away = geo.Places(plain.gallery()).nearest(after.point()).distance_km
    assert (away > 1).mean() > 0.5
    error = [geo.distance_km(p.point(), test.points).mean() for p in (before, after)]
    assert error[1] < 1.1 * error[0]
    assert len(wider.gallery()) == 500 + len(gallery.fixed())


def test_similarity_to_places_of_a_grid_is_the_density_of_the_votes_there():
    train, test = planet(300, 0), asked(planet(5, 2))
    gallery = Gallery(source="both", rows=30)
    method = fitted(train, planet(60, 1), k=6, bandwidth_km=500.0, gallery=gallery)
    places = np.random.default_rng(0).integers(len(method.gallery()), size=(5, 40))
    found = method.similarity(test, places, Context(seed=0))
    near = method._search(test, 6)
    weights = method._kernel.weights(near.similarity)
    concentration = float(geo.concentration_of(500.0))
    for row in range(5):
        density = sum(
            weight
            * vonmises_fisher(geo.unit_vectors(method.gallery()[voter]), concentration).pdf(
                geo.unit_vectors(method.gallery()[places[row]])
            )
            for weight, voter in zip(weights[row], near.index[row], strict=True)
        )
        inside = density > 1e-250
        np.testing.assert_allclose(found[row][inside], np.log(density[inside]), rtol=1e-6)
    assert np.isfinite(found).all()


def test_the_density_is_the_floored_mixture_that_scipy_computes():
    train, test = planet(300, 0), asked(planet(3, 2))
    method = fitted(train, planet(80, 1), k=4)
    state = {name: float(value) for name, value in method.state().items()}
    places = geo.uniform((3, 50), np.random.default_rng(0))
    places[:, :4] = method.predict(test, Context(seed=0)).point()[:, None]
    found = method.predict(test, Context(seed=0)).log_prob(places)
    similarity = method.similarity(test, np.arange(300), Context(seed=0))
    concentration = state["concentration"]
    for row in range(3):
        nearest = np.argsort(-similarity[row])[:4]
        weights = np.exp((similarity[row][nearest] - similarity[row].max()) / state["temperature"])
        kernels = [
            vonmises_fisher(geo.unit_vectors(place), concentration).pdf(
                geo.unit_vectors(places[row])
            )
            for place in method.gallery()[nearest]
        ]
        density = (weights / weights.sum()) @ np.array(kernels)
        floored = (1 - state["share"]) * density + state["share"] / (4 * np.pi)
        np.testing.assert_allclose(found[row], np.log(floored), atol=1e-8)


def test_a_kernel_that_made_the_photos_is_found_again_and_outliers_go_to_the_floor():
    from geobench_im2gps.kernel import Kernel

    rng = np.random.default_rng(3)
    count, k, temperature, concentration, share = 4000, 6, 0.1, 800.0, 0.2
    places = geo.uniform((count, k), rng)
    similarity = -np.sort(rng.exponential(0.1, (count, k)), axis=1)
    weights = np.exp(similarity / temperature)
    mixture = VonMisesFisherMixture(places, [[concentration]], weights)
    truth = Floored(mixture, share).sample(1, rng)[:, 0]
    kernel = Kernel.fit(places, similarity, truth)
    assert kernel.temperature == pytest.approx(temperature, rel=0.1)
    assert kernel.concentration == pytest.approx(concentration, rel=0.1)
    assert kernel.share == pytest.approx(share, abs=0.02)


def test_the_fitted_kernel_is_no_worse_than_any_of_a_fine_grid():
    from geobench_im2gps.kernel import Kernel

    train, val = planet(400, 0), planet(150, 1)
    method = fitted(train, val, k=20)
    near = method._search(val, 20)
    places = method.gallery()[near.index]

    def likelihood(kernel):
        density = kernel.density(places, near.similarity, places[:, 0])
        return float(density.log_prob(val.points[:, None]).mean())

    state = [float(method.state()[name]) for name in ("temperature", "concentration", "share")]
    best = likelihood(Kernel(*state))
    for temperature in np.geomspace(state[0] / 30, state[0] * 30, 7):
        for concentration in np.geomspace(10, 1e5, 9):
            for share in (0.003, 0.01, 0.03, 0.1, 0.3):
                assert likelihood(Kernel(temperature, concentration, share)) < best + 2e-3


def test_a_restored_method_answers_byte_for_byte_and_its_state_is_three_numbers():
    train, test = planet(300, 0), planet(40, 2)
    method, context = fitted(train, planet(60, 1), k=9), Context(seed=0)
    state = method.state()
    assert {name: array.shape for name, array in state.items()} == {
        "temperature": (),
        "concentration": (),
        "share": (),
    }
    again = Im2gpsMethod(method.config)
    again.restore(state, train, context)
    before, after = (m.predict(asked(test), context) for m in (method, again))
    np.testing.assert_array_equal(before.point(), after.point())
    np.testing.assert_array_equal(
        before.log_prob(test.points[:, None]), after.log_prob(test.points[:, None])
    )
    draws = [p.sample(5, np.random.default_rng(0)) for p in (before, after)]
    np.testing.assert_array_equal(draws[0], draws[1])


def test_what_was_fitted_is_among_the_facts():
    context = Context(seed=0)
    method = Im2gpsMethod(Im2gpsConfig(k=500))
    method.fit(planet(120, 0), planet(50, 1), context)
    assert context.facts["neighbours"].value == 120
    assert context.facts["concentration"].value == float(method.state()["concentration"])
    assert context.facts["concentration"].unit == "per squared radian"
    assert 0 < context.facts["floor share"].value < 1


@pytest.mark.parametrize("count", [1, 2, 3, 40])
@pytest.mark.parametrize("validation", [0, 1, 30])
def test_few_training_and_no_validation_photos_still_give_a_density(count, validation):
    train, val, test = planet(count, 0), planet(30, 1).take(np.arange(validation)), planet(5, 2)
    prediction = fitted(train, val).predict(asked(test), Context(seed=0))
    assert isinstance(prediction, Floored)
    assert len(prediction) == 5
    assert prediction.sample(3, np.random.default_rng(0)).shape == (5, 3, 2)
    assert np.isfinite(prediction.log_prob(test.points[:, None])).all()
    assert 0 < prediction.share < 1


def test_a_single_training_photo_is_the_answer_under_the_kernel_of_the_bandwidth():
    train = planet(1, 0)
    method = fitted(train, nothing(train), bandwidth_km=500.0)
    assert float(method.state()["concentration"]) == pytest.approx((6371.0088 / 500) ** 2)
    assert float(method.state()["share"]) == 0.5
    answers = method.predict(asked(planet(3, 2)), Context(seed=0)).point()
    np.testing.assert_array_equal(answers, np.tile(train.points, (3, 1)))


def test_without_validation_training_photos_are_looked_for_among_the_others():
    train = planet(600, 0)
    alone = fitted(train, nothing(train), k=30)
    usual = fitted(train, planet(300, 1), k=30)
    found, expected = (float(m.state()["concentration"]) for m in (alone, usual))
    assert found == pytest.approx(expected, rel=0.5)


def test_photos_that_are_all_alike_leave_only_their_places_to_answer_with():
    rng = np.random.default_rng(0)
    train = photos(np.ones((50, 4)), geo.uniform(50, rng))
    val = photos(np.ones((20, 4)), geo.uniform(20, rng), "val")
    method = fitted(train, val, k=10)
    test = photos(np.ones((2, 4)), name="test")
    np.testing.assert_array_equal(method._search(test, 10).index, np.tile(np.arange(10), (2, 1)))
    assert np.isfinite(method.predict(test, Context(seed=0)).log_prob(np.zeros((1, 1, 2)))).all()


def test_the_preset_of_the_paper_counts_neighbours_and_does_not_weigh_them():
    preset = Im2gpsMethod.presets["paper"]
    assert preset["k"] == 120
    features = np.array([[0.0], [1.0], [1.1], [1.2]])
    points = np.array([[50.0, 10.0], [-30.0, 20.0], [-30.0, 20.1], [-30.0, 20.2]])
    train, val = photos(features, points), photos(features[:1], points[:1], "val")
    test = photos(np.zeros((1, 1)), name="test")
    weighed = fitted(train, val).predict(test, Context(seed=0)).point()
    counted = fitted(train, val, **preset).predict(test, Context(seed=0)).point()
    np.testing.assert_array_equal(weighed, [[50.0, 10.0]])
    np.testing.assert_array_equal(counted, [[-30.0, 20.1]])


def test_a_method_that_was_not_fitted_or_got_no_features_says_so():
    train = planet(5, 0)
    with pytest.raises(NotFittedError, match="before it is fitted or restored"):
        Im2gpsMethod().gallery()
    with pytest.raises(NotFittedError, match="before it is fitted or restored"):
        Im2gpsMethod().state()
    with pytest.raises(DataError, match=r"without pooled features.*encoder"):
        fitted(Labelled(train.ids, train.points), nothing(train))


def test_asking_for_a_gpu_gives_the_same_answers_with_and_without_one():
    train, test = planet(400, 0), asked(planet(50, 2))
    method = fitted(train, planet(60, 1), k=20)
    there = Im2gpsMethod(method.config)
    there.restore(method.state(), train, Context(seed=0, device="cuda"))
    near, same = (m._search(test, 20) for m in (method, there))
    np.testing.assert_array_equal(near.index, same.index)
    np.testing.assert_array_equal(near.similarity, same.similarity)


def test_on_the_toy_planet_it_beats_the_uniform_by_far():
    dataset = ToyPlanet(ToyPlanetConfig(photos=900))
    rows = np.arange(900)
    pooled = dataset.features(rows).pooled
    assert pooled is not None
    everything = photos(pooled, dataset.table.points)
    train, val, test = (everything.take(part) for part in np.split(rows, [600, 700]))
    prediction = fitted(train, val).predict(asked(test), Context(seed=0))
    assert prediction.log_prob(test.points[:, None]).mean() > -2.5310 + 0.8


@pytest.mark.parametrize("first", ["torch", "faiss"])
def test_faiss_and_torch_work_in_one_process_whichever_comes_first(first):
    pytest.importorskip("torch")
    second = {"torch": "faiss", "faiss": "torch"}[first]
    code = f"""
import {first}, {second}
import numpy as np
features = np.random.default_rng(0).standard_normal((5000, 64)).astype(np.float32)
index = faiss.IndexFlatL2(64)
index.add(features)
layer = torch.nn.Linear(64, 64)
for _ in range(3):
    _, found = index.search(features[:500], 5)
    layer(torch.from_numpy(features)).square().mean().backward()
    product = torch.ones(600, 600) @ torch.ones(600, 600)
assert (found[:, 0] == np.arange(500)).all()
assert (product == 600).all()
assert torch.isfinite(layer.weight.grad).all()
print("both")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == "both", done.stderr


@pytest.mark.parametrize("size", [16, 48, 64])
def test_the_encoder_knows_the_shape_of_its_features_beforehand(size):
    encoder = Im2gpsEncoder(Im2gpsEncoderConfig(size=size))
    assert encoder.prepare(picture(1)).shape == encoder.shape("pooled")
    assert encoder.shape("tokens") is None
    assert Im2gpsEncoder().shape("pooled") == (1876,)
