"""The tests' own order: where a file of tests lies, and how its functions are written."""

import ast
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent
PARSED = {path: ast.parse(path.read_text()) for path in sorted(TESTS.rglob("*.py"))}


def mirrored(folder):
    """The folder of what a folder of tests is about."""
    match folder.relative_to(TESTS).parts:
        case ("whole",):
            return ROOT / "geobench"
        case ("plugins", name, *within):
            return ROOT.joinpath("plugins", f"geobench_{name}", *within)
        case ("docs" | "perf" | "plugins", *_) as beside:
            return ROOT.joinpath(*beside)
        case package:
            return ROOT.joinpath("geobench", *package)


def test_every_folder_of_tests_is_named_after_what_it_tests():
    folders = {path.parent for path in PARSED if path.name.startswith("test_")}
    assert folders > {TESTS, TESTS / "board", TESTS / "plugins/basics/splits", TESTS / "whole"}
    assert not [folder for folder in folders if not mirrored(folder).is_dir()]


def test_no_two_files_of_tests_have_one_name():
    names = Counter(path.name for path in PARSED if path.name != "conftest.py")
    assert not [name for name, count in names.items() if count > 1]


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def test_what_tests_share_is_a_double_and_no_test_imports_another():
    for path, tree in PARSED.items():
        assert not [name for name in imports(tree) if name.startswith(("test_", "conftest"))], path


def annotations(node, *, of_class=False):
    """The lines on which functions, or variables outside of a class, say their types."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef(returns=ast.expr()) | ast.arg(annotation=ast.expr()):
                yield child.lineno
            case ast.AnnAssign() if not of_class:
                yield child.lineno
        within = not isinstance(child, ast.FunctionDef)
        inside = isinstance(child, ast.ClassDef) or (of_class and within)
        yield from annotations(child, of_class=inside)


def test_nothing_in_tests_is_annotated_but_fields():
    found = {path: list(annotations(tree)) for path, tree in PARSED.items()}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_an_annotation_is_seen_wherever_it_stands():
    code = (
        "x: int = 1\n\n\ndef f(a: int, *b: int, **c: int):\n    d: int\n\n    def g() -> int: ...\n"
    )
    assert list(annotations(ast.parse(code))) == [1, 4, 4, 4, 5, 7]
    fields = "class C(Config):\n    width: int = 3\n    if new:\n        depth: int = 0\n"
    assert not list(annotations(ast.parse(fields)))
