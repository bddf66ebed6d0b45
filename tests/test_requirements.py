"""What a plugin lacks: the remedy names what exists, and brings it."""

import io

import pytest
from rich.console import Console

from geobench import Method, PluginError
from geobench.catalogue import Catalogue, Source
from geobench.commands.listing import show_plugins
from geobench.requirements import check_requirements

SEE = "documentation of {}, which must say what provides {}"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of the path in which distributions can be made up."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def distribution(site, name, *requires, extras=(), entry=""):
    """The metadata of an installed distribution, with the entry point of a plugin if `entry`."""
    folder = site / f"{name.replace('-', '_')}-1.0.dist-info"
    folder.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0"]
    lines += [f"Provides-Extra: {extra}" for extra in extras]
    lines += [f"Requires-Dist: {text}" for text in requires]
    (folder / "METADATA").write_text("\n".join(lines) + "\n")
    if entry:
        (folder / "entry_points.txt").write_text(f"[geobench]\n{name} = {entry}\n")


def needing(*names, module="acme_nets.method"):
    members = {"name": "acme", "requires": names, "__module__": module, "__doc__": "A network."}
    return type("Acme", (Method,), members)


def remedy(plugin):
    with pytest.raises(PluginError) as caught:
        check_requirements(plugin)
    said = caught.value.remedy
    return said.removeprefix("Install it: ")


@pytest.fixture
def bare(site, monkeypatch):
    """A site beside which nothing can be imported, with geobench's metadata as they are meant."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    requires = (
        'torch>=2.6; extra == "methods"',
        'faiss-gpu; sys_platform == "nowhere" and extra == "methods"',
        'faiss-cpu; sys_platform != "nowhere" and extra == "methods"',
        'torch; extra == "dev"',
        'pytest; extra == "dev"',
        'ruff; extra == "dev"',
        'mypy; extra == "dev"',
        "scikit-learn>=1.5",
    )
    distribution(
        site,
        "geobench-geolocation",
        *requires,
        extras=("dev", "methods"),
        entry="geobench_basics",
    )
    return site


def test_the_message_names_the_plugin_and_what_is_absent(site):
    with pytest.raises(PluginError) as caught:
        check_requirements(needing("numpy", "absent_a", "absent_b.inner"))
    text = "method acme needs absent_a, absent_b.inner, which is not installed"
    assert caught.value.problem == text


def test_what_is_installed_is_no_error():
    check_requirements(needing("numpy", "concurrent.futures", "geobench"))
    check_requirements(needing())


def test_the_extras_of_this_installation_are_those_of_the_remedy(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name in ("torch", "faiss"):
        said = remedy(needing(name, module="geobench_grid.method"))
        assert said == "pip install 'geobench-geolocation[methods]'"


def test_an_in_tree_plugin_names_the_extra_that_brings_most_and_least_else(bare):
    said = remedy(needing("torch", "faiss", "torch.nn", module="geobench_basics.method"))
    assert said == "pip install 'geobench-geolocation[methods]'"


def test_an_extra_that_is_not_there_is_never_named(bare):
    said = remedy(needing("torch", "timm", "open_clip", module="geobench_basics.method"))
    assert said == "pip install 'geobench-geolocation[methods]' timm open-clip-torch"


def test_a_requirement_that_somebody_took_away_comes_back_with_its_distribution(bare):
    assert remedy(needing("sklearn", module="geobench_basics.x")) == (
        "pip install geobench-geolocation"
    )
    distribution(bare, "acme-nets", "opencv_python>=4", entry="acme_nets")
    assert remedy(needing("cv2")) == "pip install acme-nets"


def test_a_strangers_plugin_names_its_own_distribution_and_extra(bare):
    distribution(
        bare,
        "acme-nets",
        'Torch>=2; extra == "nets"',
        'acme_special; extra == "rare"',
        extras=("nets", "rare"),
        entry="acme_nets.plugin",
    )
    assert remedy(needing("torch")) == "pip install 'acme-nets[nets]'"
    assert remedy(needing("torch", "acme_special")) == "pip install 'acme-nets[nets,rare]'"
    assert remedy(needing("torch", "faiss")) == (
        "pip install 'acme-nets[nets]' 'geobench-geolocation[methods]'"
    )


def test_a_requirement_with_extras_is_followed(bare):
    distribution(
        bare,
        "acme-nets",
        'geobench-geolocation[methods]; extra == "nets"',
        'acme-nets[nets]; extra == "all"',
        'acme-nets[all]; extra == "nets"',
        extras=("all", "nets"),
        entry="acme_nets",
    )
    assert remedy(needing("faiss")) in (
        "pip install 'acme-nets[nets]'",
        "pip install 'acme-nets[all]'",
    )


def test_an_extra_that_brings_it_elsewhere_only_is_not_named(bare):
    marked = 'opencv-python-headless; extra == "pictures" and sys_platform == "nowhere"'
    distribution(bare, "acme-nets", marked, extras=("pictures",), entry="acme_nets")
    assert remedy(needing("cv2")) == "pip install opencv-python-headless"


@pytest.mark.parametrize(
    ("module", "name"),
    [("sklearn", "scikit-learn"), ("skimage.io", "scikit-image"), ("PIL", "pillow")],
)
def test_a_well_known_package_is_named_as_it_is_installed(site, monkeypatch, module, name):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    distribution(site, "geobench-geolocation")
    assert remedy(needing(module)) == f"pip install {name}"


def test_of_what_nobody_knows_the_plugins_documentation_must_tell(bare):
    said = remedy(needing("no_such_package"))
    assert said == "See the " + SEE.format("acme_nets", "no_such_package") + "."
    distribution(bare, "acme-nets", entry="acme_nets")
    said = remedy(needing("no_such_package", "torch"))
    assert said == (
        "pip install 'geobench-geolocation[methods]'; for the rest see the "
        + SEE.format("acme-nets", "no_such_package")
        + "."
    )


def test_of_distributions_that_share_a_package_the_one_that_is_meant_is_named(bare):
    distribution(bare, "acme-a", 'torch; extra == "a"', extras=("a",), entry="acme_nets.other")
    distribution(bare, "acme-b", 'torch; extra == "b"', extras=("b",), entry="acme_nets.method")
    assert remedy(needing("torch")) == "pip install 'acme-b[b]'"


def test_the_listing_says_what_to_do_first(bare):
    catalogue = Catalogue()
    for number, name in enumerate(("torch", "no_such_package")):
        plugin = needing(name)
        plugin.name, plugin.__abstractmethods__ = f"acme-{number}", frozenset()
        catalogue.add(plugin, Source("acme", "acme-nets", "1.0"))
    screen = Console(width=300, file=io.StringIO())
    show_plugins(screen, catalogue)
    text = screen.file.getvalue()
    assert "A network (first pip install 'geobench-geolocation[methods]')" in text
    assert f"A network (first see the {SEE.format('acme_nets', 'no_such_package')})" in text
