"""Nothing that is read from a file runs code: the sources have no way to do it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("geobench", "geobench_geolocation", "plugins", "perf", "examples")
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
BETWEEN_OWN_PROCESSES = {
    "geobench/features/processes.py",
    "geobench/features/sharing.py",
    "geobench/run/cell_process.py",
    "geobench/run/isolated_cell.py",
    "geobench/run/isolation.py",
    "geobench/testing/other_process.py",
    "perf/workers.py",
}
"""What pickles to processes that it started itself, and reads no such file (see SECURITY.md)."""

MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle"}
CALLS = {
    *("eval", "exec", "os.system", "os.popen", "yaml.load", "yaml.load_all", "yaml.full_load"),
    *(
        "yaml.unsafe_load",
        "pd.read_pickle",
        "pandas.read_pickle",
        "torch.jit.load",
        "runpy.run_path",
    ),
}
ONLY_WITH = {
    "np.load": ("allow_pickle", False),
    "numpy.load": ("allow_pickle", False),
    "torch.load": ("weights_only", True),
}
NEVER_WITH = {"shell": True, "allow_pickle": True, "weights_only": False, "trust_remote_code": True}


def dotted(node):
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            return f"{dotted(value)}.{attr}"
    return ""


def keywords(call):
    """The keywords whose values stand there."""
    found = {word.arg: word.value for word in call.keywords}
    return {name: v.value for name, v in found.items() if isinstance(v, ast.Constant)}


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, str(node.module).split(".")[0]


def ways(code):
    """The lines on which what is read could run, each with what does it."""
    tree = ast.parse(code)
    for line, name in imported(tree):
        if name in MODULES:
            yield line, name
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name, words = dotted(call.func), keywords(call)
        if name in CALLS:
            yield call.lineno, name
        if name in ONLY_WITH and words.get(ONLY_WITH[name][0]) is not ONLY_WITH[name][1]:
            yield call.lineno, name
        for word, value in NEVER_WITH.items():
            if words.get(word) is value:
                yield call.lineno, f"{word}={value}"


def test_no_source_runs_what_it_reads():
    assert len(SOURCES) > 300
    found = {path.relative_to(ROOT).as_posix(): list(ways(path.read_text())) for path in SOURCES}
    found = {path: lines for path, lines in found.items() if lines}
    pickling = {path: lines for path, lines in found.items() if path in BETWEEN_OWN_PROCESSES}
    assert set(pickling) == BETWEEN_OWN_PROCESSES
    assert {name for lines in pickling.values() for _, name in lines} == {"pickle"}
    assert {path: found[path] for path in found.keys() - pickling.keys()} == {}


@pytest.mark.parametrize(
    ("code", "way"),
    [
        ("import pickle", "pickle"),
        ("from joblib import load", "joblib"),
        ("def f():\n    import dill.source", "dill"),
        ("np.load(path)", "np.load"),
        ("np.load(path, allow_pickle=asked)", "np.load"),
        ("np.load(path, allow_pickle=True)", "allow_pickle=True"),
        ("torch.load(path)", "torch.load"),
        ("torch.load(path, weights_only=False)", "weights_only=False"),
        ("yaml.load(text, Loader=yaml.SafeLoader)", "yaml.load"),
        ("eval(text)", "eval"),
        ("subprocess.run(text, shell=True)", "shell=True"),
        ("AutoModel.from_pretrained(name, trust_remote_code=True)", "trust_remote_code=True"),
    ],
)
def test_each_way_is_seen(code, way):
    assert way in [name for _, name in ways(code)]


def test_what_is_safe_is_not_seen():
    code = (
        "np.load(path, allow_pickle=False)\ntorch.load(path, weights_only=True)\n"
        "network.eval()\nyaml.safe_load(text)\nsubprocess.run([word])\n"
    )
    assert list(ways(code)) == []
