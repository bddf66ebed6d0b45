"""The sphere, against mpmath, geopy, scipy and brute force."""

import mpmath
import numpy as np
import pytest
from geopy.distance import great_circle
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from geobench import PredictionError, distance_km, geo

RADIUS = 6371.0088
latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180, exclude_max=True)
points = st.tuples(latitudes, longitudes).map(np.array)


def exact_km(a, b):
    """The great-circle distance with 60 digits, by the angle between unit vectors."""
    with mpmath.workdps(60):
        lat_a, lon_a, lat_b, lon_b = (mpmath.mpf(float(x)) * mpmath.pi / 180 for x in [*a, *b])
        cosine = mpmath.sin(lat_a) * mpmath.sin(lat_b) + mpmath.cos(lat_a) * mpmath.cos(
            lat_b
        ) * mpmath.cos(lon_a - lon_b)
        return float(mpmath.mpf(RADIUS) * mpmath.acos(min(max(cosine, -1), 1)))


def antipode(point):
    return np.array([-point[0], point[1] - 180 if point[1] >= 0 else point[1] + 180])


def scattered(count, seed=0):
    """Uniform points, and the poles, the date line and the origin."""
    special = [
        [90, 0],
        [-90, 0],
        [90, 77],
        [0, -180],
        [0, np.nextafter(180, 0)],
        [0, 0],
        [60, -180],
    ]
    rng = np.random.default_rng(seed)
    return np.concatenate([geo.uniform(count, rng), np.array(special, float)])


def test_distances_agree_with_geopy():
    rng = np.random.default_rng(0)
    a, b = geo.uniform(500, rng), geo.uniform(500, rng)
    theirs = []
    for p, q in zip(a, b, strict=True):
        circle = great_circle(tuple(p), tuple(q), radius=RADIUS)
        theirs.append(circle.km)
    np.testing.assert_allclose(distance_km(a, b), theirs, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("metres", [1e-3, 1.0, 1e3, 1e6])
def test_short_and_long_distances_agree_with_sixty_digits(metres):
    rng = np.random.default_rng(1)
    for start in scattered(40):
        end = geo.destination(start, rng.uniform(0, 360), metres / 1000)
        ours = float(distance_km(start, end))
        # 10 nm: the resolution of a longitude of 180 degrees in double precision is 3 nm.
        assert ours == pytest.approx(exact_km(start, end), rel=1e-14, abs=1e-11)
        assert ours == pytest.approx(metres / 1000, rel=1e-12, abs=1e-11)


@pytest.mark.parametrize("metres", [0.0, 1e-3, 0.1, 1.0, 1e3])
def test_distances_near_the_antipode_agree_with_sixty_digits(metres):
    rng = np.random.default_rng(2)
    for start in scattered(40):
        end = geo.destination(antipode(start), rng.uniform(0, 360), metres / 1000)
        ours = float(distance_km(start, end))
        assert ours == pytest.approx(exact_km(start, end), rel=0, abs=1e-11)
        assert ours == pytest.approx(np.pi * RADIUS - metres / 1000, rel=0, abs=1e-10)


def test_the_date_line_and_the_poles_are_ordinary_places():
    metre = 360 / (2 * np.pi * RADIUS * 1000)
    east, west = [0, 180 - metre / 2], [0, -180 + metre / 2]
    assert distance_km(east, west) == pytest.approx(1e-3, abs=1e-11)
    assert distance_km([90, 0], [90, 123]) == pytest.approx(0, abs=1e-12)
    assert distance_km([90, 0], [-90, 50]) == pytest.approx(np.pi * RADIUS, rel=1e-15)
    assert distance_km([90 - metre, 0], [90 - metre, -180]) == pytest.approx(2e-3, abs=1e-11)
    assert distance_km([10, 180], [10, -180]) == pytest.approx(0, abs=1e-11)


@given(points, points)
@settings(max_examples=150, deadline=None)
def test_distances_are_exactly_symmetric_and_within_their_range(a, b):
    assert distance_km(a, b) == distance_km(b, a)
    assert 0 <= distance_km(a, b) <= np.pi * RADIUS * (1 + 1e-15)
    assert distance_km(a, a) == 0


@given(points, points)
@settings(max_examples=150, deadline=None)
def test_any_distance_agrees_with_sixty_digits(a, b):
    assert float(distance_km(a, b)) == pytest.approx(exact_km(a, b), rel=4e-15, abs=1e-11)


def test_distances_broadcast_like_numpy():
    rng = np.random.default_rng(3)
    a, b = geo.uniform(7, rng), geo.uniform(5, rng)
    table = distance_km(a[:, None], b[None])
    assert table.shape == (7, 5)
    for i, p in enumerate(a):
        for j, q in enumerate(b):
            assert table[i, j] == distance_km(p, q)
    assert distance_km(a, b[0]).shape == (7,)
    assert distance_km(a[0], b[0]).shape == ()
    assert distance_km(np.empty((0, 2)), b[0]).shape == (0,)
    assert distance_km(a[:, None], np.empty((1, 0, 2))).shape == (7, 0)
    assert distance_km(np.array([[0, 0]]), np.array([[0, 90]]))[0] == pytest.approx(
        np.pi / 2 * RADIUS
    )


@pytest.mark.parametrize("shape", [(100_003,), (3, 40_000), (70_000, 2), (2, 2, 33_000)])
def test_blocks_leave_no_seams(shape):
    rng = np.random.default_rng(4)
    a, b = geo.uniform(shape, rng), geo.uniform(shape, rng)
    cosine = (geo.unit_vectors(a) * geo.unit_vectors(b)).sum(-1)
    np.testing.assert_allclose(distance_km(a, b), RADIUS * np.arccos(cosine), atol=0.1)


@pytest.mark.parametrize("wrong", [5.0, [1.0, 2.0, 3.0], [[1.0], [2.0]]])
def test_distances_of_anything_but_points_are_an_error(wrong):
    with pytest.raises(ValueError, match=r"points need shape \(\.\.\., 2\)"):
        distance_km(wrong, [0, 0])


def test_longitudes_wrap_into_their_range():
    turns = np.array([180, -180, 190, -190, 540, -540, 359.5, 7])
    wrapped = geo.wrap(np.stack([np.arange(8.0), turns], axis=-1))
    assert wrapped[:, 1].tolist() == [-180, -180, -170, 170, -180, -180, -0.5, 7]
    np.testing.assert_array_equal(geo.wrap([5, 181]), [5, -179])
    assert geo.wrap(np.empty((0, 4, 2))).shape == (0, 4, 2)


@given(latitudes, st.floats(-1e6, 1e6))
@settings(max_examples=150, deadline=None)
def test_wrapped_points_are_where_they_were(lat, lon):
    wrapped = geo.wrap([lat, lon])
    assert -180 <= wrapped[1] < 180
    np.testing.assert_allclose(
        geo.unit_vectors(wrapped), geo.unit_vectors([lat, lon]), rtol=0, atol=1e-10
    )
    assert (geo.wrap(wrapped) == wrapped).all()


def test_wrapping_leaves_its_argument_alone():
    original = np.array([[0.0, 200.0]])
    geo.wrap(original)
    assert original[0, 1] == 200


def test_a_shape_that_holds_no_points_is_an_error_that_names_it():
    wrongs = [3.0, None, [1, 2, 3], [[1, 2, 3]], []]
    for wrong in wrongs:
        with pytest.raises(PredictionError, match=r"modes have shape .* not \(\.\.\., 2\)"):
            geo.wrap(wrong, name="modes")


def test_a_value_that_is_not_finite_is_counted_and_placed():
    bad = np.array([[0, 0], [np.nan, 1], [2, np.inf]])
    with pytest.raises(PredictionError, match=r"answers: 2 of 3 are not finite \(first at \(1,\)"):
        geo.wrap(bad, name="answers")
    with pytest.raises(PredictionError, match="1 of 1 are not finite"):
        geo.wrap([np.nan, 0])


def test_a_latitude_beyond_the_poles_is_an_error_that_shows_it():
    with pytest.raises(PredictionError, match=r"latitude -95 at \(0, 1\) is beyond the poles"):
        geo.wrap([[[0, 0], [-95, 0]]])
    with pytest.raises(PredictionError, match=r"latitude 120 at \(\)"):
        geo.wrap([120, 30])
    assert geo.wrap([[90, 0], [-90, 0]]).shape == (2, 2)


def test_vectors_and_points_are_each_others_inverse():
    places = scattered(500)
    again = geo.from_vectors(3.5 * geo.unit_vectors(places))
    np.testing.assert_allclose(distance_km(places, again), 0, atol=1e-11)
    assert (again[:, 1] >= -180).all()
    assert (again[:, 1] < 180).all()
    np.testing.assert_allclose(geo.unit_vectors([[0, 0], [0, 90], [90, 0]]), np.eye(3), atol=1e-16)
    assert geo.from_vectors([-1.0, 0.0, 0.0]).tolist() == [0, -180]


@given(points)
@settings(max_examples=150, deadline=None)
def test_tangent_frames_are_orthonormal_and_right_handed_everywhere(point):
    for vector in (geo.unit_vectors(point), np.array([1.0, 0.0, -0.0]), np.array([0.0, 0.0, -1.0])):
        first, second = geo.tangent_frames(vector)
        frame = np.stack([first, second, vector])
        np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=2e-15)
        assert np.linalg.det(frame) == pytest.approx(1)


@pytest.mark.parametrize("km", [1e-6, 1e-3, 1.0, 500.0, 9000.0, 20_000.0])
def test_one_arrives_as_far_away_as_one_travels(km):
    rng = np.random.default_rng(5)
    start = scattered(200)
    bearing = rng.uniform(0, 360, len(start))
    end = geo.destination(start, bearing, km)
    np.testing.assert_allclose(distance_km(start, end), km, rtol=1e-12, atol=2e-11)
    if km >= 1e-3:
        back = geo.initial_bearing(start, end)
        inside = np.abs(start[:, 0]) < 89.9
        turn = np.mod(back - bearing + 180, 360) - 180
        # At 1 m the bearing is known to the rounding of the points over the distance.
        np.testing.assert_allclose(turn[inside], 0, atol=1e-3 if km < 1 else 1e-5)


def test_bearings_are_those_of_the_compass():
    here = [0, 0]
    for there, bearing in (([1, 0], 0), ([0, 1], 90), ([-1, 0], 180), ([0, -1], 270)):
        assert geo.initial_bearing(here, there) == pytest.approx(bearing)
    # Heathrow to JFK, by Ed Williams' "Aviation Formulary": about 288 degrees.
    assert geo.initial_bearing([51.47, -0.4543], [40.64, -73.78]) == pytest.approx(288, abs=0.5)
    assert geo.destination([0, 0], 90, np.pi / 2 * RADIUS) == pytest.approx([0, 90], abs=1e-12)


@given(points, points)
@settings(max_examples=150, deadline=None)
def test_a_bearing_is_at_least_0_and_less_than_360(a, b):
    assert 0 <= geo.initial_bearing(a, b) < 360


def test_a_bearing_a_hair_west_of_north_is_no_360():
    assert geo.initial_bearing([0, 0], [1, -1e-20]) == 0


def test_bearings_and_distances_broadcast():
    circle = geo.destination([48.0, 11.0], np.arange(0, 360, 10), 25.0)
    assert circle.shape == (36, 2)
    rings = geo.destination([[48.0, 11.0]], np.arange(0, 360, 10)[:, None], [1.0, 5.0])
    assert rings.shape == (36, 2, 2)
    np.testing.assert_allclose(distance_km(rings, [48.0, 11.0]), [[1, 5]] * 36)


def test_interpolated_points_divide_the_way():
    rng = np.random.default_rng(6)
    a, b = geo.uniform(300, rng), geo.uniform(300, rng)
    whole = distance_km(a, b)
    for fraction in (0.0, 0.25, 0.5, 1.0):
        between = geo.interpolate(a, b, fraction)
        np.testing.assert_allclose(distance_km(a, between), fraction * whole, atol=1e-9)
        np.testing.assert_allclose(distance_km(between, b), (1 - fraction) * whole, atol=1e-9)
    across = geo.interpolate([0, 179], [0, -179], 0.5)
    assert distance_km(across, [0, 180]) == pytest.approx(0, abs=1e-9)


def test_uniform_points_are_uniform_by_area():
    from scipy.stats import kstest

    drawn = geo.uniform((100, 200), np.random.default_rng(7))
    assert drawn.shape == (100, 200, 2)
    sine, turn = np.sin(np.deg2rad(drawn[..., 0])).ravel(), drawn[..., 1].ravel()
    assert kstest(sine, "uniform", args=(-1, 2)).pvalue > 1e-3
    assert kstest(turn, "uniform", args=(-180, 360)).pvalue > 1e-3
    same = geo.uniform((100, 200), np.random.default_rng(7))
    np.testing.assert_array_equal(drawn, same)


def cloud(rng, count, spread):
    centre = geo.uniform(1, rng)
    return geo.destination(centre, rng.uniform(0, 360, count), rng.uniform(0, spread, count))


def least(cost, starts, spread):
    """The smallest cost that scipy finds from several starts; points as free 3-vectors."""

    def by_vector(vector):
        return cost(geo.from_vectors(vector))

    best = np.inf
    for start in geo.unit_vectors(starts):
        simplex = np.concatenate([[start], start + np.eye(3) * spread / RADIUS])
        found = minimize(
            by_vector,
            start,
            method="Nelder-Mead",
            options={
                "initial_simplex": simplex,
                "xatol": 1e-12,
                "fatol": 1e-12,
                "maxiter": 3000,
            },
        )
        best = min(best, float(found.fun))
    return best


@pytest.mark.parametrize("spread", [0.01, 10.0, 2000.0, 15_000.0])
def test_no_point_has_a_smaller_mean_distance_than_the_median(spread):
    rng = np.random.default_rng(8)
    for count in (2, 3, 9):
        places = cloud(rng, count, spread)
        for weights in (None, rng.exponential(1, count)):
            share = np.ones(count) if weights is None else weights

            def cost(point, places=places, share=share):
                return float(distance_km(places, point) @ share / share.sum())

            median = geo.median_point(places, weights)
            assert cost(median) <= least(cost, places[:3], spread) * (1 + 1e-4)


@pytest.mark.parametrize("spread", [0.01, 10.0, 2000.0])
def test_no_point_has_a_smaller_mean_squared_chord_than_the_mean(spread):
    rng = np.random.default_rng(9)
    places, weights = cloud(rng, 12, spread), rng.exponential(1, 12)

    def cost(point):
        angle = distance_km(places, point) / RADIUS
        return float(np.sin(angle / 2) ** 2 @ weights / weights.sum()) * RADIUS**2

    assert cost(geo.mean_point(places, weights)) <= least(cost, places[:3], spread) * (1 + 1e-9)


def test_means_cross_the_date_line_and_the_pole():
    assert distance_km(geo.mean_point([[10, 179], [10, -179]]), [10.0015, 180]) < 0.1
    assert geo.mean_point([[80, 0], [80, 120], [80, -120]])[0] == pytest.approx(90)
    assert geo.median_point([[80, 0], [80, 120], [80, -120]])[0] == pytest.approx(90)


def test_points_that_cancel_out_have_their_first_as_mean():
    assert geo.mean_point([[[0, 10], [0, -170]], [[0, 0], [0, 20]]]) == pytest.approx(
        np.array([[0, 10], [0, 10]])
    )


def test_a_majority_pins_the_median():
    places = np.array([[10.0, 20], [10, 20], [10, 20], [50, 60], [-40, 100]])
    np.testing.assert_array_equal(geo.median_point(places), [10, 20])
    np.testing.assert_array_equal(geo.median_point(places[2:], [5, 1, 1]), [10, 20])


def test_the_densest_point_is_that_of_brute_force():
    rng = np.random.default_rng(10)
    places, weights = geo.uniform((20, 30), rng), rng.exponential(1, (20, 30))
    bandwidth = 800.0
    chosen = geo.densest_point(places, weights, bandwidth_km=bandwidth)
    for row in range(20):
        angle = distance_km(places[row, :, None], places[row, None]) / RADIUS
        kernel = np.exp((RADIUS / bandwidth) ** 2 * (np.cos(angle) - 1))
        np.testing.assert_array_equal(chosen[row], places[row][(kernel @ weights[row]).argmax()])


def test_the_densest_point_does_not_depend_on_the_scale_of_the_weights():
    rng = np.random.default_rng(11)
    places, weights = geo.uniform(30, rng), rng.exponential(1, 30)
    expected = geo.densest_point(places, weights)
    for scale in (1e-15, 1e12):
        np.testing.assert_array_equal(geo.densest_point(places, weights * scale), expected)


def test_of_equally_dense_points_the_first_wins():
    places = np.array([[0.0, 0], [0, 90], [40, 5], [40, 5]])
    np.testing.assert_array_equal(geo.densest_point(places), [40, 5])
    np.testing.assert_array_equal(geo.densest_point(places[:2]), [0, 0])
    np.testing.assert_array_equal(geo.densest_point(places[:3], bandwidth_km=1e-5), [0, 0])


def test_a_kernel_is_as_wide_as_its_concentration_says():
    rng = np.random.default_rng(12)
    kappa = float(geo.concentration_of(50.0))
    drop = rng.exponential(1, 200_000) / kappa  # 1 - cosine, for small angles
    per_axis = RADIUS * np.sqrt(2 * drop) * np.cos(rng.uniform(0, 2 * np.pi, drop.size))
    assert per_axis.std() == pytest.approx(50, rel=0.01)


def test_the_nearest_place_is_that_of_brute_force():
    places, queries = scattered(400, seed=13), scattered(150, seed=14)
    table = distance_km(queries[:, None], places)
    found = geo.Places(places).nearest(queries)
    np.testing.assert_allclose(found.distance_km, table.min(axis=1), atol=1e-9)
    np.testing.assert_allclose(
        distance_km(queries, places[found.index]), table.min(axis=1), atol=1e-9
    )


@pytest.mark.parametrize("radius", [1.0, 25.0, 2000.0, 15_000.0, 20_000.0])
def test_counts_within_a_radius_are_those_of_brute_force(radius):
    rng = np.random.default_rng(15)
    queries = scattered(150, seed=16)
    near = geo.destination(queries, rng.uniform(0, 360, len(queries)), rng.uniform(0, 50))
    places = np.concatenate([scattered(300, seed=17), near, near])
    table = distance_km(queries[:, None], places)
    np.testing.assert_array_equal(
        geo.Places(places).count_within(queries, radius), (table <= radius).sum(axis=1)
    )


def test_everything_lies_within_half_the_circumference():
    places = scattered(300)
    antipodes = np.array([antipode(place) for place in places])
    found = geo.Places(places).count_within(antipodes, np.pi * RADIUS)
    assert (found == len(places)).all()
    assert (geo.Places(places).count_within(antipodes, 1e9) == len(places)).all()


@pytest.mark.parametrize("shape", [(0, 2), (2,), (3, 3), (2, 2, 2)])
def test_places_of_a_wrong_shape_are_an_error(shape):
    with pytest.raises(ValueError, match=r"Places needs points of shape \(M >= 1, 2\)"):
        geo.Places(np.zeros(shape))


def test_the_tree_of_the_same_places_is_built_once_and_the_oldest_is_forgotten(monkeypatch):
    monkeypatch.setattr(geo, "_trees", type(geo._trees)())
    monkeypatch.setattr(geo, "_KEPT_POINTS", 250)
    rng = np.random.default_rng(5)
    one, two, three = (geo.uniform(100, rng) for _ in range(3))
    first, second = geo.known_places(one), geo.known_places(two)
    assert geo.known_places(one.copy()) is first
    geo.known_places(three)
    assert geo.known_places(one) is first
    assert geo.known_places(two) is not second
    large = geo.uniform(300, rng)
    assert geo.known_places(large) is geo.known_places(large)
    asked = geo.uniform(20, rng)
    np.testing.assert_array_equal(
        geo.known_places(two).nearest(asked).index, geo.Places(two).nearest(asked).index
    )
