"""Slices: which photos each row is about, counted by hand and by pandas."""

from dataclasses import replace

import numpy as np
import pandas
import pytest

from geobench import EqualAreaGrid, Part, Table, config, gazetteer, geo, records
from geobench.catalogue import Source, installed
from geobench.pages.verification import verify
from geobench.records import files
from geobench.records.parts import attributes_of, part_names
from geobench.run import execution, runner
from geobench.scoring.slices import thirds, views
from geobench.toy_planet import ToyPlanet

NAMES = ("low", "middle", "high")


def arrays_of(count, **more):
    """The arrays of a part of photos all over the globe."""
    rng = np.random.default_rng(3)
    arrays = {
        "id": np.arange(count).astype(str),
        "truth": geo.uniform(count, rng),
        "unit": np.arange(count),
        "group": np.arange(count),
        "nearest": geo.uniform(count, rng),
        "novelty": rng.exponential(500, count),
        "neighbours": np.zeros(count, int),
    }
    return arrays | {name.replace("__", "."): column for name, column in more.items()}


def named(arrays):
    """The slices by name: which photos."""
    found = [view for view in views(arrays) if view.slice != "all"]
    assert len({view.slice for view in found}) == len(found)
    assert all(view.average == "photo" and view.classes is None for view in found)
    return {view.slice: view.inside for view in found}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("count", [60, 300, 3000])
def test_thirds_of_different_values_are_those_of_pandas(seed, count):
    values = np.random.default_rng(seed).lognormal(size=count)
    expected = pandas.qcut(values, 3, labels=NAMES)
    assert thirds(values, NAMES).tolist() == list(expected)


def test_equal_values_are_in_one_third_that_of_their_lowest_rank():
    rng = np.random.default_rng(0)
    for _ in range(50):
        values = rng.integers(rng.integers(1, 12), size=rng.integers(1, 60)).astype(float)
        lowest = (pandas.Series(values).rank(method="min") - 1) / len(values)
        expected = [NAMES[int(3 * rank + 1e-9)] for rank in lowest]
        assert thirds(values, NAMES).tolist() == expected


def test_the_least_value_is_low_however_many_have_it():
    values = np.repeat([0.0, 5.0, 9.0], [80, 10, 10])
    assert thirds(values, NAMES).tolist() == np.repeat(["low", "high"], [80, 20]).tolist()


def test_what_is_unknown_is_in_no_third():
    values = np.array([np.nan, 1.0, 2.0, np.nan, 3.0])
    assert thirds(values, NAMES).tolist() == ["unknown", "low", "middle", "unknown", "high"]
    assert thirds(np.full(4, np.nan), NAMES).tolist() == ["unknown"] * 4
    assert thirds(np.full(4, 7.0), NAMES).tolist() == ["low"] * 4
    assert thirds(np.empty(0), NAMES).tolist() == []


def around(places, count, *, spread=0.5):
    """So many photos within a degree or so of each of these places, one place after the other."""
    near = np.repeat(np.array(places, float), count, axis=0)
    return near + np.random.default_rng(5).uniform(-spread, spread, near.shape)


def test_the_first_views_are_averages_over_photos_continents_and_cells():
    continents = np.where(np.arange(90) < 60, "Asia", "Africa")
    truth = around([[10, 100], [30, 100], [10, 20]], 30)
    arrays = arrays_of(90, slice__continent=continents, truth=truth)
    overall, by_continent, by_cell = views(arrays)[:3]
    assert overall.overall
    assert (overall.slice, overall.average, overall.what) == ("all", "photo", "part")
    assert overall.inside.all()
    assert overall.classes is None
    assert (by_continent.slice, by_continent.average) == ("all", "continent")
    assert by_continent.inside.all()
    assert not by_continent.overall
    assert by_continent.classes.tolist() == [1] * 60 + [0] * 30
    assert (by_cell.slice, by_cell.average) == ("all", "cell")
    cells = EqualAreaGrid(36).assign(arrays["truth"])
    same = cells[:, None] == cells
    assert len(np.unique(cells)) >= 3
    assert ((by_cell.classes[:, None] == by_cell.classes) == same).all()
    assert by_continent.note == ""


def averages_of(arrays):
    """Which photos count in the averages that there are, and their notes."""
    found = [view for view in views(arrays) if view.slice == "all" and not view.overall]
    return {view.average: (view.inside, view.note) for view in found}


def test_a_continent_of_fewer_photos_than_a_slice_does_not_count_once():
    sizes = {"Asia": 40, "Africa": 20, "Oceania": 19, "Antarctica": 1}
    continents = np.repeat(list(sizes), list(sizes.values()))
    inside, note = averages_of(arrays_of(80, slice__continent=continents))["continent"]
    assert set(continents[inside]) == {"Asia", "Africa"}
    assert inside.sum() == 60
    assert note == "2 of 4 continents left out: fewer than 20 photos (20 in all)"


def test_a_cell_of_fewer_than_five_photos_does_not_count_once():
    # Cells are five degrees wide, from the equator on: each cluster is inside of one.
    truth = around([[2.5, 2.5], [2.5, 12.5], [42.5, 52.5], [-37.5, -62.5]], 7, spread=0.5)
    kept = np.concatenate([np.arange(7), np.arange(7, 12), np.arange(14, 18), np.arange(21, 23)])
    inside, note = averages_of(arrays_of(18, truth=truth[kept]))["cell"]
    assert inside.tolist() == [True] * 12 + [False] * 6
    assert note == "2 of 4 cells left out: fewer than 5 photos (6 in all)"


def test_an_average_of_one_class_alone_is_none():
    continents = np.repeat(["Asia", "Africa"], [71, 19])
    truth = around([[2.5, 2.5], [42.5, 52.5]], 45)
    truth[45:] = geo.uniform(45, np.random.default_rng(8))
    assert averages_of(arrays_of(90, slice__continent=continents, truth=truth)) == {}


def test_slices_follow_in_this_order():
    numbers = np.arange(90.0)
    arrays = arrays_of(
        90,
        neighbours=np.arange(90)[::-1].copy(),
        slice__continent=np.repeat(["Oceania", "Africa", "Asia"], 30),
        attribute__scene=np.tile(["village", "city", "road"], 30),
        attribute__population=numbers,
        attribute__year=np.tile([2001, 1999], 45),
    )
    assert list(named(arrays)) == [
        "continent=Africa",
        "continent=Asia",
        "continent=Oceania",
        "training=rarely",
        "training=sometimes",
        "training=often",
        "scene=city",
        "scene=road",
        "scene=village",
        "population=low third",
        "population=middle third",
        "population=high third",
        "year=1999",
        "year=2001",
    ]
    found = named(arrays)
    assert np.flatnonzero(found["training=rarely"]).tolist() == list(range(60, 90))
    assert np.flatnonzero(found["population=high third"]).tolist() == list(range(60, 90))
    assert np.flatnonzero(found["year=1999"]).tolist() == list(range(1, 90, 2))
    assert all(view.what == "slice" for view in views(arrays)[3:])


def test_a_slice_has_at_least_twenty_photos_and_not_all():
    scenes = np.repeat(["many", "enough", "few"], [61, 20, 19])
    found = named(arrays_of(100, attribute__scene=scenes, attribute__same=np.full(100, "x")))
    assert {name: inside.sum() for name, inside in found.items()} == {
        "scene=many": 61,
        "scene=enough": 20,
    }


def test_rare_values_are_other():
    # Fourteen countries: 40, 39, ... photos; the last two are among the rare ones.
    counts = np.arange(40, 26, -1)
    codes = np.array([f"country-{number:02d}" for number in range(14)])
    found = named(arrays_of(counts.sum(), attribute__country=np.repeat(codes, counts)))
    sizes = {name: int(inside.sum()) for name, inside in found.items()}
    frequent = zip(codes[:12].tolist(), counts[:12].tolist(), strict=True)
    assert sizes == {f"country={code}": count for code, count in frequent} | {
        "country=other": counts[12:].sum()
    }


def test_an_attribute_of_which_most_values_are_rare_has_no_slices():
    towns = np.array([f"town-{number}" for number in range(400)])
    half = np.concatenate([np.full(200, "Springfield"), towns[:200]])
    found = named(arrays_of(400, attribute__town=towns, attribute__half=half))
    assert set(found) == {"half=Springfield", "half=other"}


def test_an_unknown_value_is_a_slice_of_its_own():
    arrays = arrays_of(
        90,
        attribute__scene=np.repeat(["city", "", "road"], 30),
        attribute__dated=np.repeat([1.0, np.nan, 2.0], 30),
        attribute__age=np.concatenate([np.arange(60.0), np.full(30, np.nan)]),
        attribute__indoors=np.arange(90) < 40,
    )
    found = {name: int(inside.sum()) for name, inside in named(arrays).items()}
    assert found == {
        "scene=city": 30,
        "scene=road": 30,
        "scene=unknown": 30,
        "dated=1": 30,
        "dated=2": 30,
        "dated=unknown": 30,
        "age=low third": 20,
        "age=middle third": 20,
        "age=high third": 20,
        "age=unknown": 30,
        "indoors=0": 50,
        "indoors=1": 40,
    }


def test_photos_that_are_far_from_all_training_are_rarely_seen():
    # Training lies around Paris; most photos of this part have no neighbour at all.
    neighbours = np.repeat([0, 1, 2, 3], [90, 10, 20, 30])
    found = named(arrays_of(150, neighbours=neighbours))
    assert np.flatnonzero(found["training=rarely"]).tolist() == list(range(90))
    assert np.flatnonzero(found["training=often"]).tolist() == list(range(100, 150))
    assert "training=sometimes" not in found  # fewer than 20 photos
    assert not any(name.startswith("training") for name in named(arrays_of(50)))
    nowhere = named(arrays_of(50, neighbours=np.zeros(50, int)))
    assert not nowhere  # all photos are as rarely seen as all others


class Planet(ToyPlanet):
    """The toy planet as if it were the Earth, with or without continents of its own."""

    name = "planet"
    own = True

    @property
    def on_earth(self):
        return True

    def load(self):
        table = super().load()
        half = np.where(table.points[:, 0] > 0, "Laurasia", "Gondwana")
        kept = {} if not self.own else {"continent": half}
        return Table(table.ids, table.points, table.groups, kept, table.part)


class Unlabelled(Planet):
    name = "unlabelled"
    own = False


def parts_of(dataset):
    rows = np.arange(len(dataset.table.ids))
    return Part.of("test", dataset, rows[:50]), Part.of("train", dataset, rows[50:])


def test_continents_of_the_dataset_stand_before_those_of_the_gazetteer():
    tested, train = many_of(Planet())
    arrays = records.part_arrays(tested, train)
    assert "slice.continent" not in arrays
    (by_continent,) = [view for view in views(arrays) if view.average == "continent"]
    north = tested.points[:, 0] > 0
    assert 20 <= north.sum() <= len(tested) - 20
    assert (by_continent.classes == north).all()


def test_places_on_earth_have_continents_and_those_of_another_planet_have_none():
    tested, train = parts_of(Unlabelled())
    arrays = records.part_arrays(tested, train)
    known = {"Africa", "Antarctica", "Asia", "Europe", "North America", "Oceania", "South America"}
    assert set(arrays["slice.continent"].tolist()) <= known
    assert "slice.continent" not in records.part_arrays(*parts_of(ToyPlanet()))
    averages = averages_of(records.part_arrays(*many_of(ToyPlanet(ToyPlanet.Config(photos=3000)))))
    assert set(averages) <= {"cell"}


def test_a_part_with_the_south_pole_in_south_america_is_written_again():
    spots = np.array([[-90.0, 0.0], [-77.85, 166.67], [-54.8, -68.3], [48.1, 11.6]])

    class Spots(Unlabelled):
        def load(self):
            ids = np.array([f"spot-{number}" for number in range(len(spots))])
            return Table(ids, spots, ids)

    tested = Part.of("test", Spots(), np.arange(4))
    arrays = records.part_arrays(tested, Part.of("train", Spots(), np.arange(1)))
    expected = ["Antarctica", "Antarctica", "South America", "Europe"]
    assert arrays["slice.continent"].tolist() == expected
    assert records.is_current(arrays, tested)
    of_towns = gazetteer.load().continent[gazetteer.find(spots).index]
    assert of_towns[0] == "South America"
    assert not records.is_current(arrays | {"slice.continent": of_towns}, tested)


def test_the_class_of_population_is_that_of_the_largest_town_within_25_km():
    towns = gazetteer.load()
    rng = np.random.default_rng(4)
    points = np.concatenate(
        [geo.uniform(100, rng), towns.points[rng.permutation(len(towns))[:150]]]
    )
    points = points + rng.normal(0, 0.1, points.shape)
    points = points[np.abs(points[:, 0]) < 89]
    away = geo.distance_km(points[:, None], towns.points)
    largest = np.where(away <= 25, towns.population, 0).max(axis=1)
    bounds = [0, 15e3, 1e5, 1e6, 1e9]
    names = ["below 15k", "15k to 100k", "100k to 1M", "1M and more"]
    expected = pandas.cut(largest, bounds, right=False, labels=names)
    assert set(expected) == set(names)
    assert gazetteer.populations(points).tolist() == expected.tolist()


def test_slices_of_population_go_from_few_to_many():
    names = ["1M and more", "100k to 1M", "below 15k", "15k to 100k"]
    found = named(arrays_of(80, slice__population=np.tile(names, 20)))
    assert list(found) == [
        *("population=below 15k", "population=15k to 100k"),
        *("population=100k to 1M", "population=1M and more"),
    ]


KNOWN = {  # by the atlas
    "1M and more": [[35.68, 139.69], [-23.55, -46.63]],  # Tokyo, Sao Paulo
    "100k to 1M": [[47.81, 13.05], [64.14, -21.9]],  # Salzburg, Reykjavik
    "15k to 100k": [[46.85, 9.53], [-51.62, -69.22]],  # Chur, Rio Gallegos
    "below 15k": [[23.0, 12.0], [0.0, -140.0], [-82.0, 30.0]],  # the Sahara, a sea, the ice
}


@pytest.mark.parametrize("name", KNOWN)
def test_places_on_earth_are_in_the_class_of_their_town(name):
    class Spots(Unlabelled):
        def load(self):
            ids = np.array([f"spot-{number}" for number in range(len(KNOWN[name]))])
            return Table(ids, np.array(KNOWN[name]), ids)

    spots = Spots()
    everything = Part.of("test", spots, np.arange(len(KNOWN[name])))
    arrays = records.part_arrays(everything, Part.of("train", spots, np.arange(1)))
    assert set(arrays["slice.population"].tolist()) == {name}
    assert set(arrays) == part_names(everything)


def test_the_population_of_the_dataset_stands_before_that_of_the_gazetteer():
    class Counted(Planet):
        def load(self):
            table = super().load()
            people = {"population": np.arange(len(table.ids))}
            return Table(table.ids, table.points, table.groups, people, table.part)

    tested, train = parts_of(Counted())
    arrays = records.part_arrays(tested, train)
    assert "slice.population" not in arrays
    assert "slice.continent" in arrays
    assert set(arrays) == part_names(tested)
    assert not any("slice." in name for name in records.part_arrays(*parts_of(ToyPlanet())))


def test_a_part_of_an_older_version_is_written_again_and_its_records_stay(tmp_path):
    text = "name: old, splits: [random], methods: [uniform], metrics: [distance]"
    (tmp_path / "b.yaml").write_text(
        f"benchmarks: [{{{text}, dataset: {{name: unlabelled, photos: 300}}}}]"
    )
    installed().add(Unlabelled, Source("tests", "tests", "1"))

    def run():
        (benchmark,) = config.read(tmp_path / "b.yaml", installed())
        options, reporter = execution.Options(figures=False), execution.Reporter()
        workspace = records.Workspace(tmp_path)
        return runner.run(benchmark, workspace, options=options, reporter=reporter)

    try:
        board = run().board
        (path,) = board.glob("runs/*/part.npz")
        (record,) = board.glob("runs/*/*/record.json")
        now, table = files.read_arrays(path), (board / "table.csv").read_text()
        assert "population=below 15k" in table
        files.write_arrays(path, {n: c for n, c in now.items() if n != "slice.population"})
        before = record.read_bytes()
        assert run().counts["skipped"] == 1
    finally:
        del installed().registered["dataset"][Unlabelled.name]
    assert files.read_arrays(path).keys() == now.keys()
    assert (board / "table.csv").read_text() == table
    assert record.read_bytes() == before
    assert not [text for text in verify(board, installed()) if "figures" not in text]


def test_neighbours_are_the_training_photos_within_the_neighbourhood():
    tested, train = parts_of(ToyPlanet())
    away = geo.distance_km(tested.points[:, None], train.points)
    expected = (away <= records.NEIGHBOURHOOD_KM).sum(axis=1)
    assert records.part_arrays(tested, train)["neighbours"].tolist() == expected.tolist()
    assert expected.max() > 0
    nothing = records.part_arrays(tested, Part.of("train", train.dataset, train.rows[:0]))
    assert not nothing["neighbours"].any()


def test_only_what_the_part_says_is_sliced_by():
    values = {"attribute__scene": np.tile(["a", "b"], 40), "attribute__year": np.arange(80) % 9}
    every = {view.partition("=")[0] for view in named(arrays_of(80, **values))}
    assert every == {"scene", "year"}
    some = arrays_of(80, **values, sliced=np.array(["year"]))
    assert {view.partition("=")[0] for view in named(some)} == {"year"}
    none = arrays_of(80, **values, sliced=np.array([], np.str_))
    assert named(none) == {}


class Numbered(ToyPlanet):
    sliced: tuple[str, ...] | None = None

    def load(self):
        table = super().load()
        columns = {"number": np.arange(len(table.ids)), "hue": np.arange(len(table.ids)) % 9}
        return replace(table, attributes=columns, sliced=self.sliced)


def many_of(dataset):
    """Enough photos for slices of thirds."""
    return Part.of("test", dataset, np.arange(90)), Part.of("train", dataset, np.arange(90, 200))


def test_what_is_sliced_by_is_stored_with_the_part_where_it_is_not_everything(tmp_path):
    assert "sliced" not in records.part_arrays(*parts_of(ToyPlanet()))
    tested, train = many_of(Numbered())
    arrays = records.part_arrays(tested, train)
    assert arrays["sliced"].tolist() == ["hue"]
    assert set(attributes_of(arrays)) == {"number", "hue"}
    assert set(arrays) == part_names(tested)
    files.write_arrays(tmp_path / "part.npz", arrays)
    stored = files.read_arrays(tmp_path / "part.npz")
    assert {view.partition("=")[0] for view in named(stored)} == {"training", "hue"}


@pytest.mark.parametrize("sliced", [("number", "hue"), ("number",), ()])
def test_a_part_that_is_sliced_otherwise_is_written_again(tmp_path, sliced):
    stored = records.part_arrays(*many_of(Numbered()))
    assert records.is_current(stored, many_of(Numbered())[0])
    other = type("Other", (Numbered,), {"sliced": sliced})()
    tested, train = many_of(other)
    assert other.digest == Numbered().digest
    assert not records.is_current(stored, tested)
    files.write_arrays(tmp_path / "part.npz", records.part_arrays(tested, train))
    again = files.read_arrays(tmp_path / "part.npz")
    assert records.is_current(again, tested)
    assert {view.partition("=")[0] for view in named(again)} - {"training"} == {*sliced}
