"""The architecture: reading order, who may import whom, and what starts light."""

import ast
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import geobench

REPOSITORY = Path(__file__).parents[1]
CORE = REPOSITORY / "geobench"
PLUGINS = REPOSITORY / "plugins"

PAGE = (REPOSITORY / "docs" / "architecture.md").read_text()


@dataclass(frozen=True)
class Entry:
    """One line of the reading order: a module, or a package with its own modules in their order."""

    name: str
    modules: tuple[str, ...] = ()


def _reading_order():
    """The order in which the core is read, from the page that documents it. A module imports only
    what stands above it, wherever in the file the import stands; a package is one entry.
    `geobench/__init__` is the table of contents, and `testing` stands outside."""
    section = PAGE.split("## In reading order", 1)[1].split("\n## ", 1)[0]
    found = []
    for line in section.splitlines():
        if line.startswith("| `"):
            name, words = line.split("`")[1], line.split("|")[2]
            own = tuple(words.split("`")[1::2]) if name.endswith("/") else ()
            found.append(Entry(name.removesuffix("/"), own))
    return tuple(found)


ENTRIES = _reading_order()
READING_ORDER = tuple(entry.name for entry in ENTRIES)
PACKAGES = {entry.name: entry.modules for entry in ENTRIES if entry.modules}
HEAVY = {"healpix_geo", "torch", "pandas", "scipy", "sklearn", "faiss", "matplotlib", "skimage"}
# What a start does without: each takes milliseconds, and is for what few processes do.
NOT_FOR_A_START = {"importlib.metadata", "importlib.resources", "subprocess", "difflib", "email"}
SHARED_PLUGINS = {"geobench_torch", "geobench_cells", "geobench_retrieval"}
# Where the core says which device "auto" is, and only for methods that require torch.
ASKS_FOR_A_GPU = {"execution"}


@dataclass(frozen=True)
class Import:
    """One imported module, and one name of it if the statement names one."""

    module: str
    name: str
    line: int
    at_start: bool  # it runs when its module is imported

    @property
    def top(self):
        return self.module.split(".")[0]


@cache
def imports(path):
    """Every import of a file: in functions and under TYPE_CHECKING, too."""
    return tuple(_walk(ast.parse(path.read_text()), at_start=True))


def _walk(node, *, at_start):
    for child in ast.iter_child_nodes(node):
        runs = at_start and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            runs = False
        if isinstance(child, ast.Import):
            yield from (Import(a.name, "", child.lineno, runs) for a in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            module = child.module or ""
            yield from (Import(module, a.name, child.lineno, runs) for a in child.names)
        else:
            yield from _walk(child, at_start=runs)


def core_modules():
    """The modules of the core, with those of its packages; `testing` is outside."""
    outside = (CORE / "__init__.py", *CORE.glob("testing/*.py"))
    return [path for path in sorted(CORE.rglob("*.py")) if path not in outside]


def place_of(path):
    """The name under which a module stands in the reading order; a package stands as one."""
    return path.relative_to(CORE).parts[0].removesuffix(".py")


def plugin_modules():
    return sorted(PLUGINS.rglob("*.py"))


def in_tree_modules():
    return [*sorted(CORE.rglob("*.py")), *plugin_modules(), *sorted(REPOSITORY.glob("perf/*.py"))]


def public_names():
    """What `geobench/__init__` offers: all that it imports, at once or on first use."""
    return {found.name for found in imports(CORE / "__init__.py") if found.top == "geobench"}


def names_of_first_use():
    """The public names that are imported on first use, for type checkers only -> their module."""
    found = (found for found in imports(CORE / "__init__.py") if found.top == "geobench")
    return {each.name: each.module for each in found if not each.at_start}


def named(path):
    return str(path.relative_to(REPOSITORY))


def test_every_core_module_has_its_place_in_the_reading_order():
    assert {place_of(path) for path in core_modules()} == set(READING_ORDER)
    assert len(READING_ORDER) == len(set(READING_ORDER))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_of_a_package_has_its_place_in_it(package):
    inside = {path.stem for path in CORE.glob(f"{package}/*.py")} - {"__init__"}
    assert sorted(PACKAGES[package]) == sorted(inside)


@pytest.mark.parametrize("path", core_modules(), ids=named)
def test_a_core_module_imports_only_what_stands_above_it(path):
    own = place_of(path)
    above = set(READING_ORDER[: READING_ORDER.index(own)])
    above |= {"testing"} if path == CORE / "commands" / "check.py" else set()
    for found in imports(path):
        if found.top != "geobench":
            continue
        where = f"{named(path)}:{found.line}"
        words = [*found.module.split(".")[1:], found.name]
        if words[0] == own and own in PACKAGES:
            assert words[1] in PACKAGES[own], f"{where} imports its own package's face"
            before = PACKAGES[own][: _position(path, own)]
            assert words[1] in before, f"{where} imports {words[1]}, which is below it"
        elif words != ["__version__"]:
            assert words[0] in above, f"{where} imports {words[0]}, which is below it"


def _position(path, package):
    """Where a module stands in its package; its face stands below all of them."""
    return None if path.stem == "__init__" else PACKAGES[package].index(path.stem)


def test_the_core_imports_neither_torch_nor_a_plugin():
    packages = {path.name for path in PLUGINS.iterdir() if path.is_dir()}
    for path in core_modules():
        forbidden = packages if path.stem in ASKS_FOR_A_GPU else packages | {"torch"}
        wrong = [found for found in imports(path) if found.top in forbidden]
        assert not wrong, f"{named(path)}: {wrong}"


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=named)
def test_a_core_module_imports_nothing_heavy_when_it_is_imported(path):
    wrong = [found for found in imports(path) if found.at_start and found.top in HEAVY]
    assert not wrong, f"{named(path)}: {wrong}"


@pytest.mark.parametrize("path", plugin_modules(), ids=named)
def test_a_plugin_imports_only_public_names(path):
    own = path.relative_to(PLUGINS).parts[0]
    packages = {folder.name for folder in PLUGINS.iterdir() if folder.is_dir()}
    public = public_names()
    for found in imports(path):
        where = f"{named(path)}:{found.line}"
        if found.top in packages:
            assert found.top in {own} | SHARED_PLUGINS, f"{where} imports {found.module}"
        elif found.module == "geobench":
            assert found.name in public, f"{where}: {found.name} is no public name of geobench"
        elif found.top == "geobench":
            whole = ("digests", "drafts", "gazetteer", "names", "statistics", "toy_planet")
            allowed = {f"geobench.{module}" for module in whole}
            assert found.module in allowed, f"{where} imports {found.module}"


@pytest.mark.parametrize(
    "package", sorted({path.relative_to(PLUGINS).parts[0] for path in plugin_modules()})
)
def test_the_first_layer_of_a_plugin_imports_nothing_heavy(package):
    light = {"geobench", "numpy", "pydantic", package, *SHARED_PLUGINS, *sys.stdlib_module_names}
    waiting, seen = [PLUGINS / package / "__init__.py"], set()
    while waiting:
        path = waiting.pop()
        seen.add(path)
        for found in imports(path):
            if not found.at_start:
                continue
            assert found.top in light, f"{named(path)}:{found.line} imports {found.module}"
            for module in (found.module, f"{found.module}.{found.name}"):
                stem = PLUGINS.joinpath(*module.split("."))
                files = [stem.with_suffix(".py"), stem / "__init__.py"]
                waiting += [file for file in files if file.exists() and file not in seen]


def printed(script):
    """The words that a script prints, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_face_loads_what_plugins_need_and_nothing_of_boards():
    loaded = printed("import sys, geobench; print(*sys.modules)")
    own = {name for name in loaded if name.split(".")[0] == "geobench"}
    works = READING_ORDER[READING_ORDER.index("requirements") :]
    outside = {f"geobench.{name}" for name in (*works, "testing")}
    assert {"geobench.config", "geobench.run", "geobench.audit", "geobench.figures"} <= outside
    assert not {name for name in own if ".".join(name.split(".")[:2]) in outside}
    assert len(own) <= 29, sorted(own)
    assert not {name.split(".")[0] for name in loaded} & HEAVY
    assert not loaded & NOT_FOR_A_START


def test_a_start_builds_no_model_of_pydantic():
    complete = "print(*(each.__pydantic_complete__ for each in models))"
    own = "models = [each for each in vars(geobench).values() if hasattr(each, 'model_fields')]; "
    assert printed("import geobench; " + own + complete) == {"False"}
    of_plugins = "models = [each.plugin.Config for each in installed().of_kind('method')]; "
    script = "from geobench.catalogue import installed; " + of_plugins + complete
    assert printed(script) == {"False"}


def test_the_face_names_all_that_it_offers():
    assert len(geobench.__all__) == len(set(geobench.__all__))
    assert set(geobench.__all__) == public_names()
    assert [name for name in geobench.__all__ if not hasattr(geobench, name)] == []


def test_what_is_imported_on_first_use_is_what_type_checkers_see():
    assert names_of_first_use()
    for name, module in names_of_first_use().items():
        first = f"import sys, geobench; before = {module!r} in sys.modules; "
        then = f"print(before, geobench.{name}.__module__, {module!r} in sys.modules)"
        assert printed(first + then) == {"False", module, "True"}
    with pytest.raises(AttributeError, match="module 'geobench' has no attribute 'lead'"):
        _ = geobench.lead


def test_a_listing_of_the_plugins_imports_nothing_heavy():
    script = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from geobench.cli import app\n"
        "result = CliRunner().invoke(app, ['list'])\n"
        "assert result.exit_code == 0 and 'unseen-cells' in result.output, result.output\n"
        "print(*sys.modules)\n"
    )
    loaded = {name.split(".")[0] for name in printed(script)}
    assert "geobench_basics" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("path", in_tree_modules(), ids=named)
def test_a_module_opens_by_saying_what_it_is_for(path):
    text = ast.get_docstring(ast.parse(path.read_text()))
    assert text, f"{named(path)} has no docstring"
    assert text.split("\n\n")[0].rstrip().endswith((".", "?")), f"{named(path)}: not a sentence"


def test_no_module_has_a_name_that_says_nothing():
    nothing = {"utils", "util", "common", "base", "helpers", "helper", "misc"}
    assert not [named(path) for path in in_tree_modules() if path.stem in nothing]


def test_the_plugin_contract_stays_under_eighty_lines():
    assert len((CORE / "hookspecs.py").read_text().splitlines()) < 80
