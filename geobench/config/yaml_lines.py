"""A YAML document whose mappings and lists remember their lines, read by YAML 1.2's scalars."""

import codecs
import math
import re
from pathlib import Path
from typing import Any

import yaml

from geobench.errors import ConfigError


class Mapping(dict[str, Any]):
    """A YAML mapping that remembers its lines."""

    line: int
    lines: dict[str, int]


class Sequence(list[Any]):
    """A YAML sequence that remembers its lines."""

    line: int
    lines: list[int]


def read(path: Path) -> Any:
    """The content of a YAML file: Mapping, Sequence, str, int, float, bool or None, nested.

    Raises:
        ConfigError: there is no such file, or it is no YAML (with the line); a key repeats.
    """
    try:
        text = _decoded(path.read_bytes())
    except FileNotFoundError:
        raise ConfigError(
            "there is no such file", where=str(path), remedy="Give the YAML file's path."
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError:
        raise ConfigError(
            "cannot be read: it is no text in UTF-8",
            where=str(path),
            remedy="Save it as UTF-8 in your editor.",
        ) from None
    try:
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            return None
        _refuse_swollen(path, node)
        return _build(path, node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or "not YAML"
        remedy = "Check indentation, colons and brackets on this line and the one before."
        if "'\\t'" in problem:
            problem, remedy = "a tab character", "Indent with spaces."
        elif problem.startswith("but found") and error.context:
            problem = f"{error.context}, {problem}"
        raise _error(path, mark.line + 1 if mark else 1, problem, remedy) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _error(path, line, f"character {error.character:#x} is not allowed") from None
    except RecursionError:
        raise _error(path, 1, "brackets without end, or an anchor that holds itself") from None


def _decoded(content: bytes) -> str:
    """The text of a file with line ends of any system, in UTF-8, or in UTF-16 or -32 with a mark.

    Raises:
        UnicodeDecodeError: it is in another encoding.
    """
    marks = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32"}  # before UTF-16's
    marks |= {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
    encoding = next((name for mark, name in marks.items() if content.startswith(mark)), "utf-8-sig")
    return content.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")


def _error(path: Path, line: int, problem: str, remedy: str = "") -> ConfigError:
    return ConfigError(problem, where=f"{path}:{line}", remedy=remedy)


_MOST = 20_000
"""The most values that aliases may add to those that are written: one is read in 40 us."""


def _refuse_swollen(path: Path, root: yaml.Node) -> None:
    """Refuse aliases of aliases that make a small file endless; each node is visited once.

    Raises:
        ConfigError: with the aliases written out there are far more values than stand there.
        RecursionError: an anchor holds itself.
    """
    sizes = dict[int, int]()

    def size(node: yaml.Node, above: frozenset[int]) -> int:
        if id(node) in above:
            raise RecursionError
        if id(node) not in sizes:
            inner = above | {id(node)}
            sizes[id(node)] = 1 + sum(size(child, inner) for child in _children(node))
            if sizes[id(node)] > _MOST + len(sizes):  # so many nodes were visited, at least
                problem = f"aliases of aliases stand for over {_MOST:,} values"
                remedy = "Write what is meant without aliases of aliases."
                raise _error(path, node.start_mark.line + 1, problem, remedy)
        return sizes[id(node)]

    size(root, frozenset())


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [each for pair in node.value for each in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _build(path: Path, node: yaml.Node) -> Any:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        mapping = Mapping()
        mapping.line, mapping.lines = line, {}
        for key_node, value_node in node.value:
            key, at = key_node.value, key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise _error(path, at, "a key is no plain word")
            if key in mapping:
                first = mapping.lines[key]
                raise _error(path, at, f"key {key!r} repeats (first on line {first})")
            mapping[key], mapping.lines[key] = _build(path, value_node), at
        return mapping
    if isinstance(node, yaml.SequenceNode):
        sequence = Sequence(_build(path, child) for child in node.value)
        sequence.line = line
        sequence.lines = [child.start_mark.line + 1 for child in node.value]
        return sequence
    try:
        value = _Loader("").construct_object(node)
    except (ValueError, KeyError, AttributeError):  # `!!int x` and its like
        kind = node.tag.rpartition(":")[2]
        raise _error(path, line, f"{node.value!r} cannot be read as {kind}") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise _error(path, line, f"{node.value} is no finite number")
    return value


class _Loader(yaml.SafeLoader):
    """YAML 1.2's scalars: NO is a string, 1e-4 a number, 2020-01-01 a string."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("float", r"^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$", "-+."),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    return int(node.value)


_Loader.add_constructor("tag:yaml.org,2002:int", _decimal)
