"""The catalogue: plugins load one by one, and a broken one stops only what asks for it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import distributions, entry_points

import pytest

from geobench import Metric, PluginError
from geobench.catalogue import Catalogue, Source, load

GOOD = """\
from geobench import Mean, Metric, hookimpl


class HemisphereMetric(Metric):
    '''Whether the answer is on the right hemisphere. More words.'''

    name = "{name}"
    columns = ("right",)
    summaries = (Mean(name="{name}", unit="share", better="higher", column="right"),)

    def score(self, prediction, truth, context):
        return (prediction.point()[:, :1] * truth.points[:, :1] > 0).astype("float32")


@hookimpl
def register_metrics():
    return [HemisphereMetric]
"""


def good(name, *, hook="register_metrics", signature="()"):
    text = GOOD.format(name=name)
    return text.replace("def register_metrics()", f"def {hook}{signature}")


METHODLESS = """
from geobench import Method, hookimpl


class Half(Method):
    name = "half-done"

    def fit(self, train, val, context): ...


@hookimpl
def register_methods():
    return [Half]
"""

# distribution -> its module's source; every one of them is broken in its own way
BROKEN = {
    "acme-missing": "import a_package_that_nobody_has\n",
    "acme-syntax": "def register_methods(:\n",
    "acme-exit": "raise SystemExit('no licence')\n",
    "acme-misspelt": good("misspelt", hook="register_metric"),
    "acme-signature": good("signature", signature="(catalogue)"),
    "acme-raises": good("raises").replace("return [", "return [][0] and ["),
    "acme-leaves": good("leaves").replace(
        "    return [", "    raise SystemExit('bye')\n    return ["
    ),
    "acme-kind": good("kind", hook="register_methods"),
    "acme-instance": good("instance").replace("[HemisphereMetric]", "[HemisphereMetric()]"),
    "acme-scalar": good("scalar").replace("[HemisphereMetric]", "HemisphereMetric"),
    "acme-abstract": METHODLESS,
    "acme-case": good("Hemi_Sphere"),
    "acme-nameless": good("x").replace('name = "x"', "other = 1"),
    "acme-config": good("config").replace("columns =", "Config = dict\n    columns ="),
    "acme-nothing": good("nothing").replace("@hookimpl\n", ""),
    "acme-elsewhere": "",
}
# Its model checks a field that it has not, which pydantic finds when it builds the model.
UNBUILT = "from geobench import Config\nfrom pydantic import field_validator\n"
UNBUILT += good("unbuilt").replace("columns =", "Config = Misspelt\n    columns =")
UNBUILT = UNBUILT.replace(
    "class Hemi",
    """class Misspelt(Config):
    near: int = 1

    @field_validator("nera")
    def even(cls, value):
        return 2 * value


class Hemi""",
)
REASONS = {
    "acme-missing": "acme_missing does not import: ModuleNotFoundError: No module named "
    "'a_package_that_nobody_has'",
    "acme-syntax": "acme_syntax does not import: SyntaxError: invalid syntax",
    "acme-exit": "acme_exit does not import: SystemExit: no licence",
    "acme-misspelt": "unknown hook 'register_metric' in plugin",
    "acme-signature": "register_metrics(catalogue) Argument(s) ",
    "acme-raises": "register_metrics raised IndexError: list index out of range",
    "acme-leaves": "register_metrics raised SystemExit: bye",
    "acme-kind": "register_methods gives <class 'acme_kind.HemisphereMetric'>, which is no "
    "subclass of geobench.Method",
    "acme-instance": "register_metrics gives a HemisphereMetric, which is no subclass of "
    "geobench.Metric",
    "acme-scalar": "register_metrics raised TypeError: 'ABCMeta' object is not iterable",
    "acme-abstract": "method half-done lacks predict, predicts, restore, state",
    "acme-case": "class HemisphereMetric is named 'Hemi_Sphere': use lower case, words joined by "
    "hyphens",
    "acme-nameless": "class HemisphereMetric has no name: give it one, such as name =",
    "acme-config": "metric config: its Config is no geobench.Config",
    "acme-nothing": "registers nothing: mark its hooks with geobench.hookimpl",
    "acme-elsewhere": "acme_elsewhere:plugin does not import: AttributeError",
}


def install(folder, distribution, source, *, value=""):
    """Put a package of one module, with its entry point, into a folder of the path."""
    module = distribution.replace("-", "_")
    (folder / f"{module}.py").write_text(source)
    info = folder / f"{module}-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n")
    (info / "entry_points.txt").write_text(f"[geobench]\n{module} = {value or module}\n")


def benchmark(folder, method):
    path = folder / f"{method}.yaml"
    path.write_text(
        f"benchmarks:\n  - name: {method}\n    dataset: toy-planet\n    splits: [random]\n"
        f"    methods: [{method}]\n    metrics: [distance, hemisphere]\n"
    )
    return path


@dataclass
class Answer:
    code: int
    out: str
    err: str

    @property
    def flat(self):
        """The output as one line, however it was folded."""
        return " ".join(self.out.split())


def geobench(folder, *words):
    done = subprocess.run(
        [sys.executable, "-m", "geobench.cli", *map(str, words)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All broken packages, a good one, and one that takes a name of geobench's own."""
    place = tmp_path_factory.mktemp("site")
    for distribution, source in BROKEN.items():
        value = "acme_elsewhere:plugin" if distribution == "acme-elsewhere" else ""
        install(place, distribution, source, value=value)
    install(place, "acme-good", good("hemisphere"))
    install(place, "acme-unbuilt", UNBUILT)
    twin = "from geobench_basics.methods import UniformMethod\n\nTwin = type('Twin', "
    twin += "(UniformMethod,), {'__doc__': 'A twin'})\n\n\n"
    twin += (
        "from geobench import hookimpl\n\n\n@hookimpl\ndef register_methods():\n    return [Twin]\n"
    )
    install(place, "acme-twin", twin)
    return place


@pytest.fixture(scope="module")
def listing(folder):
    return geobench(folder, "list")


@pytest.fixture(scope="module")
def catalogue(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        return load()


def test_broken_plugins_do_not_stop_the_listing(listing):
    assert listing.code == 0
    assert listing.err == ""
    for name in ("blue-marble", "unseen-cells", "toy-oracle", "geoscore", "hemisphere"):
        assert name in listing.out


@pytest.mark.parametrize("distribution", BROKEN)
def test_a_broken_plugin_is_listed_with_its_distribution_and_the_reason(
    distribution, listing, catalogue
):
    name = f"{distribution.replace('-', '_')} ({distribution} 1.5)"
    (found,) = [broken for broken in catalogue.broken if str(broken.source) == name]
    assert REASONS[distribution] in found.reason
    assert f"broken {name}: {' '.join(found.reason.split())}" in listing.flat


def test_a_wrong_hook_is_told_which_hooks_there_are(catalogue):
    for distribution in ("acme-misspelt", "acme-signature"):
        (found,) = [b for b in catalogue.broken if b.source.distribution == distribution]
        assert "register_datasets, register_splits, register_encoders" in found.reason


def test_nothing_that_is_sound_is_called_broken(catalogue):
    blamed = {broken.source.distribution for broken in catalogue.broken}
    assert blamed == set(BROKEN)
    loaded = {source.distribution for source in catalogue.sources}
    assert {"geobench-geolocation", "acme-good", "acme-twin"} <= loaded


def test_a_good_plugin_is_listed_with_one_line(listing):
    assert "acme_good acme-good 1.5" in listing.flat
    assert "hemisphere Whether the answer is on the right hemisphere. More words" in listing.flat


def test_a_name_registered_twice_names_both_plugins(listing, catalogue, folder):
    (clash,) = catalogue.clashes()
    assert clash.startswith("method uniform is registered by ")
    for both in ("basics (geobench-geolocation", "acme_twin (acme-twin 1.5)"):
        assert both in clash
        assert both in listing.flat
    assert "uniform" not in [r.plugin.name for r in catalogue.of_kind("method")]


def test_asking_for_a_name_registered_twice_is_an_error_that_names_both(folder):
    asked = geobench(folder, "run", "--dry-run", benchmark(folder, "uniform"))
    assert asked.code == 2
    assert asked.err.startswith(f"error: {folder / 'uniform.yaml'}:5: ")
    assert "method 'uniform' is registered by" in asked.err
    assert "basics (geobench-geolocation" in asked.err
    assert "acme_twin (acme-twin 1.5)" in asked.err
    assert "Traceback" not in asked.err


def test_other_plugins_work_beside_broken_and_doubled_ones(folder):
    asked = geobench(folder, "run", "--dry-run", benchmark(folder, "prior"))
    assert (asked.code, asked.err) == (0, "")
    assert "1 to run" in asked.out


def test_a_config_that_does_not_build_stops_only_what_asks_for_it(listing, catalogue):
    assert "acme_unbuilt acme-unbuilt 1.5" in listing.flat
    with pytest.raises(PluginError) as caught:
        catalogue.find("metric", "unbuilt")
    fault = "its Config does not build: PydanticUserError: Decorators defined with incorrect fields"
    assert caught.value.problem.startswith(
        f"metric 'unbuilt' of plugin acme_unbuilt (acme-unbuilt 1.5) cannot be used: {fault}: "
    )
    with pytest.raises(PluginError) as caught:
        catalogue.locate("acme_unbuilt.HemisphereMetric")
    assert f"'unbuilt' of module acme_unbuilt cannot be used: {fault}: " in str(caught.value)


def test_an_unknown_name_may_be_of_a_plugin_that_did_not_load(catalogue):
    with pytest.raises(PluginError) as caught:
        catalogue.find("metric", "hemispheres")
    text = str(caught.value)
    assert text.startswith("there is no metric 'hemispheres'. Did you mean hemisphere")
    assert "Plugins that did not load: " in text
    assert "acme_missing (acme-missing 1.5)" in text
    assert "see `geobench list`" in text


def test_each_kind_is_named_where_a_name_is_of_another():
    empty = Catalogue()
    with pytest.raises(PluginError, match=r"no split 'random'\. There are: none\."):
        empty.find("split", "random")
    with pytest.raises(PluginError, match=r"There is a split random\. There are: "):
        load().find("dataset", "random")


def test_a_name_is_found_with_its_kind_before_it_and_without():
    catalogue = load()
    assert catalogue.find("metric", "distance") is catalogue.find("metric", "metric:distance")
    with pytest.raises(PluginError):
        catalogue.find("metric", "method:distance")


def test_a_class_knows_the_entry_point_it_came_from(catalogue):
    plugin = catalogue.find("metric", "hemisphere")
    assert catalogue.source_of(plugin) == "acme_good (acme-good 1.5)"
    assert Catalogue().source_of(plugin) == ""


def test_one_distribution_that_lies_on_the_path_twice_is_loaded_once(folder):
    ours = [e for e in entry_points(group="geobench") if e.name == "basics"]
    catalogue = load([*ours, *ours])
    assert len(catalogue.sources) == 1
    assert not catalogue.clashes()


def test_the_same_class_under_two_entry_points_is_no_clash():
    catalogue = load()
    plugin = catalogue.find("metric", "distance")
    catalogue.add(plugin, Source("again", "other", "1.0"))
    assert not catalogue.clashes()
    assert catalogue.find("metric", "distance") is plugin


def test_every_entry_point_of_this_distribution_loads():
    (own,) = [d for d in distributions() if d.name == "geobench-geolocation"]
    names = {entry.name for entry in own.entry_points if entry.group == "geobench"}
    catalogue = load()
    assert {s.entry_point for s in catalogue.sources} >= names
    assert not catalogue.broken
    assert not catalogue.clashes()
    for kind in ("dataset", "split", "encoder", "method", "metric"):
        assert catalogue.of_kind(kind)
        for registered in catalogue.of_kind(kind):
            assert registered.plugin.describe(), f"{registered.plugin} has no docstring"


def test_names_are_lower_case_words_joined_by_hyphens():
    for name, good_name in (
        ("nearest-town", True),
        ("k2", True),
        ("2d", True),
        ("", False),
        ("Nearest", False),
        ("nearest--town", False),
        ("-town", False),
        ("town ", False),
        ("a/b", False),
    ):
        catalogue = Catalogue()
        members = {
            "name": name,
            "columns": (),
            "summaries": (),
            "score": lambda *_: None,
        }
        catalogue.add(type("Made", (Metric,), members), Source("a", "b", "1"))
        assert bool(catalogue.broken) is not good_name, name
