"""How bytes, documents, arrays and folders are changed: each change is small data that replays."""

import hashlib
import io
import json
import os
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import yaml

from fuzz_material import whole_files
from geobench.digests import digest
from geobench.records import files

KINDS = (
    *("bit", "cut", "drop", "double", "splice", "token", "token"),
    *("node", "node", "node", "key", "array", "array"),
    *("whole", "missing", "folder", "link", "loop", "pipe", "device"),
)
"""One that is named twice is drawn twice as often."""

_TOKENS = (
    *("-1", "0", "1e308", "-1e999", "nan", "inf", "99999999999999999999", "0.1", "90.0001"),
    *("null", "true", "~", "''", '""', "[]", "{}", "*a", "&a", "!!python/object:os.system x"),
    *("../outside/photos", "/dev/zero", "/nosuch", "~nosuchuser", "..", ".", "C:\\x", "a/b"),
    *("x" * 5000, "\x00", "\x1b[31m", "\r", "\n", "|", "<b>", "=1+1", "\u202e", "\ud800", "京"),
    *("\N{COMBINING ACUTE ACCENT}" * 50, "{", "[", ":", ",", '"', "'", "\t", "%s", "0x10", "1_0"),
)
_VALUES = (
    *(None, True, False, 0, -1, 1, 10**30, 2**63, 1e308, 0.5, float("nan"), float("inf")),
    *("", "x", "../outside", "/dev/zero", "\x00", "x" * 5000, "\ud800", "<b>", "a|b", "é"),
    *([], {}, [[]], [None], {"": None}, {"name": "uniform"}, ["prior"] * 3, list(range(2000))),
)


@dataclass(frozen=True)
class Mutation:
    """One change.

    Args:
        kind: of KINDS.
        place: where in the file, from 0 to below 1.
        number: which of what can be done there.
    """

    kind: str
    place: float
    number: int


@cache
def _whole():
    return whole_files()


def apply(mutations, path):
    """Change a file by these, one after the other; what no longer is a file stays as it is."""
    for each in mutations:
        if path.is_symlink() or not path.is_file():
            return
        before = path.read_bytes()
        if each.kind in _OF_PLACES:
            path.unlink()
            _OF_PLACES[each.kind](path, each)
            continue
        path.write_bytes(_OF_BYTES[each.kind](before, each, path.suffix))
        if each.number % 3:
            _seal(path, before)


def _seal(path, before):
    """Name the changed file by its new digest wherever the old one stands, as a stranger can."""
    board = next((each for each in path.parents if each.parent.name == "leaderboards"), None)
    old, new = (hashlib.sha256(data).hexdigest() for data in (before, path.read_bytes()))
    if board is None or old == new:
        return
    for document in sorted(board.rglob("*.json"), reverse=True):
        found = document.read_bytes()
        if document != path and old.encode() in found:
            document.write_bytes(found.replace(old.encode(), new.encode()))


def _at(data, mutation):
    return int(mutation.place * max(1, len(data)))


def _bit(data, mutation, suffix):
    found = bytearray(data or b"\x00")
    found[_at(found, mutation)] ^= 1 << (mutation.number % 8)
    return bytes(found)


def _cut(data, mutation, suffix):
    return data[: _at(data, mutation)]


def _drop(data, mutation, suffix):
    start = _at(data, mutation)
    return data[:start] + data[start + 1 + mutation.number % 64 :]


def _double(data, mutation, suffix):
    start = _at(data, mutation)
    part = data[start : start + 1 + mutation.number % 256]
    return data[:start] + part * (2 + mutation.number % 50) + data[start:]


def _splice(data, mutation, suffix):
    other = _whole()[mutation.number % len(_whole())][:500]
    start = _at(data, mutation)
    return data[:start] + other + data[start:]


def _token(data, mutation, suffix):
    """Put another word in the place of one."""
    word = _TOKENS[mutation.number % len(_TOKENS)].encode("utf-8", "surrogatepass")
    start = end = _at(data, mutation)
    stops = b" \n\t,:[]{}\"'/"
    while start > 0 and data[start - 1] not in stops:
        start -= 1
    while end < len(data) and data[end] not in stops:
        end += 1
    return data[:start] + word + data[end:]


def _loaded(data, suffix):
    if suffix in (".yaml", ".yml"):
        return yaml.safe_load(data)
    return json.loads(data)


def _written(document, suffix):
    if suffix in (".yaml", ".yml"):
        return yaml.safe_dump(document, allow_unicode=True, sort_keys=False).encode(
            "utf-8", "surrogatepass"
        )
    return json.dumps(document, indent=1).encode()


def _nodes(node):
    """(container, key) of every value below."""
    within = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    for key, value in list(within):
        yield node, key
        yield from _nodes(value)


def _of_document(change):
    """A change of a JSON or YAML document; another file is changed by a token."""

    def changed(data, mutation, suffix):
        try:
            document = _loaded(data, suffix)
            nodes = list(_nodes(document))
            if not nodes:
                return json.dumps(_VALUES[mutation.number % len(_VALUES)]).encode()
            change(*nodes[_at(nodes, mutation)], mutation.number)
            if isinstance(document, dict) and files.STAMP in document:
                rest = {key: document[key] for key in document if key != files.STAMP}
                document = rest | {files.STAMP: digest(rest)}  # a stranger can do that, too
            return _written(document, suffix)
        except (ValueError, TypeError, RecursionError, yaml.YAMLError):
            return _token(data, mutation, suffix)

    return changed


def _node(container, key, number):
    if number % 5 == 0:
        del container[key]
    else:
        container[key] = _VALUES[number % len(_VALUES)]


def _key(container, key, number):
    if isinstance(container, list):
        container.insert(key, container[key])
        return
    value = container.pop(key)
    container[_TOKENS[number % len(_TOKENS)] if number % 2 else f"{key}s"] = value


def _array(data, mutation, suffix):
    """Another array in an npz or npy, stamped anew; another file is cut."""
    try:
        found = np.load(io.BytesIO(data), allow_pickle=False)
        if isinstance(found, np.ndarray):
            found = {"array": found}
        arrays = {name: found[name] for name in found if name != files.STAMP}
    except Exception:  # numpy, zipfile and zlib each raise their own
        return _cut(data, mutation, suffix)
    names = sorted(arrays)
    if not names:
        return _cut(data, mutation, suffix)
    name = names[_at(names, mutation)]
    arrays[name] = _other(arrays[name], mutation.number)
    if mutation.number % 17 == 0:
        arrays.pop(name)
    if mutation.number % 19 == 0:
        arrays["more"] = np.zeros(3)
    return _npy(arrays) if suffix == ".npy" else _npz(arrays)


def _npy(arrays):
    stream = io.BytesIO()
    np.save(stream, next(iter(arrays.values()), np.zeros(0)), allow_pickle=False)
    return stream.getvalue()


def _npz(arrays):
    """As geobench stores them, with their stamp."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "arrays.npz"
        files.write_arrays(path, arrays)
        return path.read_bytes()


def _other(array, number):
    changes = (
        lambda: array[: len(array) // 2] if array.ndim else array[None],
        lambda: np.concatenate([array, array]) if array.ndim else array,
        lambda: array.astype("U20"),
        lambda: array.astype(np.int8),
        lambda: np.full(array.shape, np.nan),
        lambda: np.full(array.shape, 1e300),
        lambda: np.full(array.shape, -1),
        lambda: array[None],
        lambda: np.zeros(0),
        lambda: np.zeros((len(array) if array.ndim else 1, 0)),
        lambda: np.full(array.shape, "x" * 300),
        lambda: array[::-1] if array.ndim else array,
    )
    try:
        return changes[number % len(changes)]()
    except (ValueError, TypeError):
        return np.full(array.shape, 7)


def _folder(path, mutation):
    path.mkdir()
    (path / "within.txt").write_text("x")


def _link(path, mutation):
    base = next(each for each in path.parents if each.name == "work").parent
    places = (base / "outside/victim.txt", base / "outside", base / "nowhere", base / "work")
    path.symlink_to(places[mutation.number % len(places)])


_OF_BYTES = {
    "bit": _bit,
    "cut": _cut,
    "drop": _drop,
    "double": _double,
    "splice": _splice,
    "token": _token,
    "node": _of_document(_node),
    "key": _of_document(_key),
    "array": _array,
    "whole": lambda data, mutation, suffix: _whole()[mutation.number % len(_whole())],
}
_OF_PLACES = {
    "missing": lambda path, mutation: None,
    "folder": _folder,
    "link": _link,
    "loop": lambda path, mutation: path.symlink_to(path.name),
    "pipe": lambda path, mutation: os.mkfifo(path),
    "device": lambda path, mutation: path.symlink_to(
        ("/dev/zero", "/dev/full", "/dev/null")[mutation.number % 3]
    ),
}
