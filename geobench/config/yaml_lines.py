"""A YAML document whose mappings and lists remember their lines, read by YAML 1.2's scalars."""

import codecs
import math
import re
from pathlib import Path
from typing import Any

import yaml

from geobench.components import no_file
from geobench.errors import ConfigError, storable

_LARGEST = 2_000_000  # bytes of a file, and
_MOST_VALUES = 50_000  # values in it: each is read in some 30 us
_TOO_MANY = f"over {_MOST_VALUES:,} values"
_ELSEWHERE = "Long lists, such as those of ids, go into a file of their own."
_DEEPEST = 64  # lists and mappings within each other
_LONGEST_KEY = 200  # characters
_SHOWN = 60  # characters of a value in a message
_MAPPING = frozenset({"tag:yaml.org,2002:map"})
_SEQUENCE = frozenset({"tag:yaml.org,2002:seq"})
_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float", "null", "str"))


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
        ConfigError: there is no such file, or it is no YAML (with the line); a key repeats; it has
            more bytes, values or levels than anybody writes.
    """
    try:
        text = _decoded(_content(path))
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
        loader = _Loader(text)
        node = loader.get_single_node()
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
        elif problem == _TOO_MANY:
            remedy = _ELSEWHERE
        elif problem.startswith("but found") and error.context:
            problem = f"{error.context}, {problem}"
        raise _error(path, mark.line + 1 if mark else 1, problem, remedy) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _error(path, line, f"character {error.character:#x} is not allowed") from None
    except (ValueError, OverflowError):  # `"\Uffffffff"`, or a version of 5,000 digits
        remedy = "Check the characters after backslashes, and lines that begin with %."
        raise _error(path, loader.line + 1, "a number that stands for nothing", remedy) from None
    except RecursionError:
        raise _error(path, 1, "brackets without end, or an anchor that holds itself") from None


def _content(path: Path) -> bytes:
    """The bytes of a file, none of which is read of a pipe, a device or a huge one.

    Raises:
        ConfigError: it is such.
        OSError: it is not there, or cannot be read.
    """
    there = path.stat()
    if why := no_file(there):
        remedy = "Write its content to a file, and name that."
        raise ConfigError(f"is {why}", where=str(path), remedy=remedy)
    if there.st_size > _LARGEST:
        raise ConfigError(
            f"has {there.st_size:,} bytes, which is over {_LARGEST:,}",
            where=str(path),
            remedy=f"Name the YAML file. {_ELSEWHERE}",
        )
    return path.read_bytes()


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
    return ConfigError(storable(problem, 4 * _SHOWN), where=f"{path}:{line}", remedy=remedy)


def _shown(text: str) -> str:
    return repr(storable(text, _SHOWN))


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


_CLOSE = "Close quotes and brackets, and check indentation."


def _refuse_tag(path: Path, node: yaml.Node, known: frozenset[str]) -> None:
    """Raise ConfigError for a tag that would make something else of a value: `!!binary`, say."""
    if node.tag not in known:
        problem = f"could not determine a constructor for the tag {_shown(node.tag)}"
        remedy = "Write the value without a tag."
        raise _error(path, node.start_mark.line + 1, problem, remedy)


def _refuse_halves(path: Path, node: yaml.Node) -> None:
    """Raise ConfigError for half a character, as `"\\ud800"` is: no file or page takes it."""
    try:
        node.value.encode()
    except UnicodeEncodeError:
        problem = f"{_shown(node.value)} holds half a character"
        remedy = "Write the character itself."
        raise _error(path, node.start_mark.line + 1, problem, remedy) from None


def _build(path: Path, node: yaml.Node) -> Any:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        _refuse_tag(path, node, _MAPPING)
        mapping = Mapping()
        mapping.line, mapping.lines = line, {}
        for key_node, value_node in node.value:
            key, at = key_node.value, key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise _error(path, at, "a key is no plain word")
            if len(key) > _LONGEST_KEY:
                raise _error(path, at, f"a key of {len(key):,} characters", _CLOSE)
            _refuse_halves(path, key_node)
            if key in mapping:
                first = mapping.lines[key]
                raise _error(path, at, f"key {_shown(key)} repeats (first on line {first})")
            mapping[key], mapping.lines[key] = _build(path, value_node), at
        return mapping
    if isinstance(node, yaml.SequenceNode):
        _refuse_tag(path, node, _SEQUENCE)
        sequence = Sequence(_build(path, child) for child in node.value)
        sequence.line = line
        sequence.lines = [child.start_mark.line + 1 for child in node.value]
        return sequence
    _refuse_tag(path, node, _TAGS)
    _refuse_halves(path, node)
    try:
        value = _Loader("").construct_object(node)
    except (ValueError, LookupError, AttributeError, OverflowError):  # `!!int x` and its like
        kind = node.tag.rpartition(":")[2]
        raise _error(path, line, f"{_shown(node.value)} cannot be read as {kind}") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise _error(path, line, f"{storable(node.value, _SHOWN)} is no finite number")
    return value


class _Loader(yaml.SafeLoader):
    """YAML 1.2's scalars: NO is a string, 1e-4 a number, 2020-01-01 a string.

    Values and levels are counted while they are read, before they take memory and time.
    """

    _values = 0
    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._values += 1
        self._depth += 1
        if self._values > _MOST_VALUES or self._depth > _DEEPEST:
            problem = _TOO_MANY
            if self._depth > _DEEPEST:
                problem = f"lists and mappings over {_DEEPEST} deep"
            raise yaml.composer.ComposerError(None, None, problem, self.get_mark())
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


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
