"""Splits that hold out regions of the Earth: distances, regions, densities, and the twins."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import small_run
from drawn_places import Places, everything, far_and_wide, sizes
from geobench import (
    DataError,
    EqualAreaGrid,
    SplitConfig,
    components,
    distance_km,
    gazetteer,
)
from geobench.assignments import describe
from geobench_basics.splits.density_shift import DensityShiftSplit
from geobench_basics.splits.temporal import TemporalSplit
from geobench_basics.splits.unseen_cells import UnseenCellsSplit
from geobench_basics.splits.unseen_regions import UnseenRegionsSplit

UNSEEN = (UnseenCellsSplit, UnseenRegionsSplit)
KINDS = (*UNSEEN, DensityShiftSplit)

places = {
    "count": st.integers(60, 900),
    "seed": st.integers(0, 2**32 - 1),
    "reach_km": st.sampled_from([0.0, 60.0]),
    "buffer_km": st.sampled_from([None, 0.0, 1.0, 100.0, 400.0]),
}
"""What decides a dataset and how far training stays from what is held out."""


def photos(count, seed, reach_km=0.0):
    return Places(far_and_wide(count, seed=seed), reach_km=reach_km)


def drawn_or_refused(split, dataset):
    """What a split draws, or None where it says that it cannot."""
    refusal = None
    try:
        return split.assign(dataset)
    except DataError as error:
        refusal = error
    assert refusal.remedy
    assert "holds two photos" in refusal.problem or "km or more from every" in refusal.problem
    return None


def check_promises(drawn, dataset):
    """Every row is somewhere and nowhere twice; by brute force, promised distances hold."""
    assert everything(drawn) == list(range(len(dataset.table)))
    assert all(len(part) for part in drawn.parts)
    learnt = np.concatenate([drawn.train.points, drawn.val.points])
    for part in drawn.parts:
        nearest = distance_km(part.points[:, None], learnt[None]).min()
        assert nearest >= drawn.apart_km.get(part.name, 0)


def digests(drawn):
    parts = [part.digest for part in drawn.all_parts]
    return [*parts, {reason: rows.tolist() for reason, rows in drawn.left_out.items()}]


def twins(kind, **settings):
    """A split, and its twin."""
    return kind(kind.Config(**settings)), kind(kind.Config(**settings, surroundings="train"))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(**places)
def test_what_is_held_out_keeps_its_distance_and_no_photo_is_lost(
    kind, count, seed, reach_km, buffer_km
):
    dataset = photos(count, seed, reach_km)
    split = kind(kind.Config(seed=seed, buffer_km=buffer_km))
    drawn = drawn_or_refused(split, dataset)
    if drawn is None:
        return
    check_promises(drawn, dataset)
    near, far = drawn.parts
    assert drawn.apart_km == {far.name: max(25, reach_km) if buffer_km is None else buffer_km}
    # The buffer takes no more than it has to, and holds all that it must.
    outside = np.setdiff1d(
        np.arange(count), np.concatenate([far.rows, drawn.left_out["set-aside"]])
    )
    points = dataset.table.points
    nearest = distance_km(points[outside][:, None], far.points[None]).min(axis=1)
    inside = outside[nearest < drawn.apart_km[far.name]]
    assert drawn.left_out["buffer"].tolist() == inside.tolist()
    assert near.regions.tolist() == near.groups.tolist()
    again = kind(split.config).assign(photos(count, seed, reach_km))
    assert digests(again) == digests(drawn)
    assert again.facts == drawn.facts


@pytest.mark.parametrize("kind", UNSEEN)
@settings(max_examples=60, deadline=None)
@given(**places, train_share=st.sampled_from([1.0, 0.4]))
def test_twins_are_of_one_size_and_have_the_same_test_photos(
    kind, count, seed, reach_km, buffer_km, train_share
):
    dataset = photos(count, seed, reach_km)
    plain, twin = twins(kind, seed=seed, buffer_km=buffer_km, train_share=train_share)
    apart, among = drawn_or_refused(plain, dataset), drawn_or_refused(twin, dataset)
    assert (apart is None) == (among is None)
    if apart is None or among is None:
        return
    check_promises(among, dataset)
    seen, unseen = apart.parts
    (same,) = among.parts
    assert same.name == "unseen"
    assert same.digest == unseen.digest
    assert same.units.tolist() == unseen.units.tolist()
    assert len(among.train) == len(apart.train)
    assert len(among.val) == len(apart.val)
    assert among.apart_km == {}
    assert among.left_out["seen"].tolist() == seen.rows.tolist()
    thinned = [d.left_out.get("train-share", np.empty(0, np.intp)) for d in (apart, among)]
    assert len(thinned[0]) == len(thinned[1])
    drawn_for_train = np.concatenate([among.train.rows, thinned[1]])
    for reason in ("set-aside", "buffer"):
        found = set(drawn_for_train) & set(apart.left_out[reason])
        assert among.facts[f"drawn for train from {reason}"].value == len(found)
    surplus = len(apart.left_out["set-aside"]) + len(apart.left_out["buffer"])
    assert len(among.left_out["surplus"]) == surplus


@pytest.mark.parametrize("kind", UNSEEN)
def test_a_twin_trains_on_the_surroundings_as_on_everything_else(kind):
    points = far_and_wide(20_000, seed=3)
    dataset = Places(points[np.argsort(points[:, 0])])  # a draw in the table's order would be bent
    plain, twin = twins(kind, buffer_km=200)
    apart, among = plain.assign(dataset), twin.assign(dataset)
    around = np.concatenate([apart.left_out["set-aside"], apart.left_out["buffer"]])
    trained = len(apart.train)
    pool = trained + len(apart.val) + len(around)
    found = np.isin(among.train.rows, around).sum()
    share = len(around) / pool
    # The number is hypergeometric: four standard deviations.
    spread = np.sqrt(trained * share * (1 - share) * (pool - trained) / (pool - 1))
    assert len(around) > 1000
    assert abs(found - trained * share) < 4 * spread
    assert abs(among.val.points[:, 0].mean() - among.train.points[:, 0].mean()) < 5
    nearest = [d.train.points for d in (apart, among)]
    away = [distance_km(p[:, None], apart.parts[1].points[None, :300]).min() for p in nearest]
    assert away[0] >= 200 > 25 > away[1]


@pytest.mark.parametrize("kind", UNSEEN)
def test_a_twin_names_the_split_without_surroundings(kind):
    plain, twin = twins(kind, seed=3, train_share=0.5, seen=7)
    assert plain.twin_of is None
    assert twin.twin_of == plain.identity() != twin.identity()
    assert components.digest(twin.twin_of) == components.digest(plain.identity())
    assert twin.twin_of != kind(kind.Config(seed=4, train_share=0.5, seen=7)).identity()


@pytest.mark.parametrize("kind", [*KINDS, TemporalSplit])
def test_the_seed_decides_what_is_drawn(kind):
    dataset = Places(far_and_wide(3000), attributes={"date": np.arange(3000) % 100})
    settings = {"later": 100} if kind is TemporalSplit else {}
    found = [kind(kind.Config(seed=s, **settings)).assign(dataset) for s in (0, 0, 1)]
    assert digests(found[0]) == digests(found[1])
    for first, other in zip(found[0].all_parts, found[2].all_parts, strict=True):
        assert first.digest != other.digest, first.name


@pytest.mark.parametrize("kind", UNSEEN)
def test_the_seed_decides_what_a_twin_learns_from(kind):
    found = [twins(kind, seed=seed)[1].assign(photos(3000, 0)) for seed in (0, 1)]
    for first, other in zip(found[0].all_parts, found[1].all_parts, strict=True):
        assert first.digest != other.digest, first.name


def labels(points, by):
    """The region of the town of 1,000 inhabitants or more that is nearest, by brute force, but for
    the continent in the far south."""
    towns = gazetteer.load(1000)
    nearest = [int(distance_km(point, towns.points).argmin()) for point in points]
    found = [str(getattr(towns, by)[index]) for index in nearest]
    if by == "continent":
        found = ["Antarctica" if p[0] < -60 else f for p, f in zip(points, found, strict=True)]
    return found


@pytest.mark.parametrize("by", ["country", "continent"])
def test_nothing_of_a_held_out_region_trains(by):
    dataset = photos(100, 1)
    settings = {"by": by, "share": 0.3, "buffer_km": 0, "photos_per_region": 5}
    drawn = UnseenRegionsSplit(UnseenRegionsSplit.Config(seed=2, **settings)).assign(dataset)
    region = np.array(labels(dataset.table.points, by))
    seen, unseen = drawn.parts
    assert unseen.regions.tolist() == region[unseen.rows].tolist()
    held = set(region[np.concatenate([unseen.rows, drawn.left_out["set-aside"]])])
    learnt = np.concatenate([drawn.train.rows, drawn.val.rows, seen.rows])
    assert not held & set(region[learnt])
    assert len(held) == round(0.3 * len(set(region))) == drawn.facts["regions held out"].value
    whole = Counter(region.tolist())
    wanted = {name: min(5, whole[name] // 2) for name in held if whole[name] > 1}
    assert Counter(unseen.regions.tolist()) == wanted


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.02, 0.7))
def test_countries_are_held_out_on_every_continent_alike(seed, share):
    dataset = photos(900, seed % 7)
    split = UnseenRegionsSplit(UnseenRegionsSplit.Config(seed=seed, share=share))
    held = split.hold_out(dataset, np.random.default_rng(seed))
    towns = gazetteer.load(1000)
    index = gazetteer.find(dataset.table.points, minimum=1000).index
    continent = dict(zip(towns.country[index].tolist(), towns.continent[index], strict=True))
    total, drawn = len(continent), len(held.drawn)
    assert drawn == len(set(held.drawn.tolist())) == max(1, round(share * total))
    counts = Counter(continent[country] for country in held.drawn.tolist())
    for name, countries in Counter(continent.values()).items():
        assert abs(counts[name] - countries * drawn / total) < 1


@pytest.mark.parametrize("seed", range(12))
def test_a_photo_in_antarctica_does_not_take_a_country_from_its_continent(seed):
    pole = [-90.0, 0.0]  # nearest is Ushuaia, in Argentina
    south_america = [[-34.6, -58.4], [-33.4, -70.7], [-12.0, -77.0], [-23.5, -46.6]]
    europe = [[48.9, 2.3], [52.5, 13.4], [41.9, 12.5], [40.4, -3.7]]
    dataset = Places(np.array([pole, *south_america, *europe]))
    split = UnseenRegionsSplit(UnseenRegionsSplit.Config(share=0.5, photo_share=1))
    held = split.hold_out(dataset, np.random.default_rng(seed)).drawn.tolist()
    assert (
        len(set(held) & {"AR", "CL", "PE", "BR"}) == len(set(held) & {"FR", "DE", "IT", "ES"}) == 2
    )


def test_every_country_is_held_out_as_often_as_any_other():
    dataset = photos(900, 0)
    split = UnseenRegionsSplit()
    often = Counter(
        country
        for seed in range(600)
        for country in split.hold_out(dataset, np.random.default_rng(seed)).drawn.tolist()
    )
    countries = len(set(gazetteer.nearest(dataset.table.points, minimum=1000).country))
    chance = round(countries / 6) / countries
    assert len(often) == countries
    spread = np.sqrt(600 * chance * (1 - chance))
    assert all(abs(count - 600 * chance) < 5 * spread for count in often.values())


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(60, 900),
    seed=st.integers(0, 2**32 - 1),
    rows=st.sampled_from([4, 12, 36]),
    sparse_share=st.floats(0.01, 0.9),
    sparse=st.sampled_from([3, 50, 2000]),
)
def test_no_sparse_cell_holds_more_photos_than_any_other(count, seed, rows, sparse_share, sparse):
    dataset = photos(count, seed)
    settings = {"rows": rows, "sparse_share": sparse_share, "sparse": sparse}
    drawn = drawn_or_refused(
        DensityShiftSplit(DensityShiftSplit.Config(seed=seed, **settings)), dataset
    )
    if drawn is None:
        return
    cells = EqualAreaGrid(rows).assign(dataset.table.points)
    often = Counter(cells.tolist())
    dense, thin = drawn.parts
    assert (dense.name, thin.name) == ("dense", "sparse")
    assert thin.regions.tolist() == cells[thin.rows].tolist()
    held = np.concatenate([thin.rows, drawn.left_out["set-aside"]])
    in_sparse = set(cells[held].tolist())
    elsewhere = set(often) - in_sparse
    # Whole cells, the emptiest, and as many of them as the share has room for.
    assert len(held) == sum(often[cell] for cell in in_sparse)
    assert max(often[cell] for cell in in_sparse) <= min(often[cell] for cell in elsewhere)
    assert len(held) <= sparse_share * count + 1e-6 or len(in_sparse) == 1
    assert len(held) + min(often[cell] for cell in elsewhere) > sparse_share * count
    assert len(thin) == min(sparse, len(held))
    facts = {name: fact.value for name, fact in drawn.facts.items()}
    assert facts["sparse cells"] == len(in_sparse)
    assert facts["most photos in a sparse cell"] == max(often[cell] for cell in in_sparse)
    assert facts["median photos in another cell"] == np.median([often[c] for c in elsewhere])


@pytest.mark.parametrize("kind", KINDS)
def test_photos_of_one_place_cannot_be_held_out(kind):
    here = Places(np.full((50, 2), [48.0, 11.0]))
    with pytest.raises(DataError, match="0 photos lie 25 km or more") as raised:
        kind().assign(here)
    assert "buffer_km" in raised.value.remedy


@pytest.mark.parametrize("kind", [*KINDS, TemporalSplit])
def test_every_split_takes_a_seed_and_a_train_share(kind):
    assert issubclass(kind.Config, SplitConfig)
    own = {n: f for n, f in kind.Config.model_fields.items() if n not in SplitConfig.model_fields}
    assert own
    assert all(field.description for field in own.values())


def test_benchmark_json_names_the_part_that_a_twin_repeats(tmp_path):
    board = small_run.board(
        tmp_path,
        """
benchmarks:
  - name: twins
    dataset: toy-planet
    splits:
      - {name: unseen-cells, label: seen-cells, surroundings: train}
      - {name: unseen-cells, label: other-seed, surroundings: train, seed: 1}
      - {name: unseen-cells, label: other-size, surroundings: train, train_share: 0.5}
      - {name: unseen-regions, label: seen-regions, surroundings: train}
      - unseen-cells
      - {name: unseen-regions, label: abroad}
    methods: [uniform]
    metrics: [distance]
""",
    )
    parts = json.loads((board / "benchmark.json").read_text())["parts"]
    assert {label: part["twin_of"] for label, part in parts.items() if "twin_of" in part} == {
        "seen-cells/unseen": "unseen-cells/unseen",
        "seen-regions/unseen": "abroad/unseen",
    }
    assert set(parts) == {
        *("seen-cells/unseen", "other-seed/unseen", "other-size/unseen", "seen-regions/unseen"),
        *("unseen-cells/seen", "unseen-cells/unseen", "abroad/seen", "abroad/unseen"),
    }
    for label, other in (("seen-cells", "unseen-cells"), ("seen-regions", "abroad")):
        one, two = parts[f"{label}/unseen"], parts[f"{other}/unseen"]
        assert one["digest"] == two["digest"]
        for size in ("train photos", "val photos"):
            assert one["facts"][size] == two["facts"][size]


def test_the_facts_of_a_twin_show_how_near_it_trains():
    plain, twin = twins(UnseenCellsSplit)
    found = []
    for split in (plain, twin):
        drawn = split.assign(photos(5000, 1))
        found.append(describe(drawn, drawn.parts[-1]))
    near = "test photos within 25 km of train"
    assert found[0][near].value == 0 < 0.2 < found[1][near].value
    assert "buffer" not in found[1]
    assert sizes(twin.assign(photos(5000, 1))).keys() == {"train", "val", "unseen"}
