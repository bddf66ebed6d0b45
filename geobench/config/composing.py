"""Files that somebody has -> the text of a YAML file, which is then read as if it were theirs."""

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, final

import yaml

from geobench.names import CEILING, LABEL

Entry: TypeAlias = Mapping[str, Any]
"""A component as YAML has it: `name`, perhaps `label`, and its configuration."""

_MARK = "# geobench score wrote this file, and writes it again unless it is changed: "
_PACKED = (".gz", ".bz2", ".xz", ".zst")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
_LONGEST = 60  # of a name: it becomes that of a folder


@final
@dataclass(frozen=True)
class Comparison:
    """One benchmark that compares answers made elsewhere.

    Args:
        name: of the benchmark.
        dataset: the photos and their true places.
        split: the rule that makes test parts.
        methods: the files of answers.
        metrics: names.
    """

    name: str
    dataset: Entry
    split: str
    methods: Sequence[Entry]
    metrics: Sequence[str]

    def text(self) -> str:
        """The YAML file, whose first line says who wrote it, and knows whether it was changed."""
        lines = [
            "benchmarks:",
            f"  - name: {_flow(self.name)}",
            f"    dataset: {_flow(self.dataset)}",
            f"    splits: {_flow([self.split])}",
            "    methods:",
            *(f"      - {_flow(method)}" for method in self.methods),
            f"    metrics: {_flow(self.metrics)}",
            "",
        ]
        content = "\n".join(lines)
        return f"{_MARK}{_digest(content)}\n{content}"


def untouched(text: str) -> bool:
    """Whether this is a `Comparison.text` that nobody has changed since."""
    first, _, content = text.replace("\r\n", "\n").partition("\n")
    return first == _MARK + _digest(content)


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class _Dumper(yaml.SafeDumper):
    """Puts in quotes whatever some reader of YAML could take for something else than a string."""


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _string)


def _flow(value: Any) -> str:
    """A value on one line, as a reader of YAML 1.2 takes it."""
    options: Any = {"Dumper": _Dumper, "default_flow_style": True, "sort_keys": False}
    written: str = yaml.dump(value, allow_unicode=True, width=float("inf"), **options)
    return written.removesuffix("\n").removesuffix("\n...")


def stem(path: Path) -> str:
    """A file's name without its endings: `answers` of `answers.csv.gz`."""
    name = path.name
    for packed in _PACKED:
        name = name[: -len(packed)] if name.lower().endswith(packed) else name
    return Path(name).stem


def benchmark_name(*texts: str) -> str:
    """The name of a benchmark that is made of texts: lower case and digits, joined by hyphens."""
    whole = "-".join(re.findall(r"[a-z0-9]+", _ascii(" ".join(texts)).lower()))
    return whole if len(whole) <= _LONGEST else f"{whole[:_LONGEST].strip('-')}-{_digest(whole)}"


def labels_of(paths: Sequence[Path]) -> list[str]:
    """A label for each file: its stem, after the folders that tell it from others of that name;
    beside one of the same stem in the same folder with its ending, too."""
    most = max((len(path.resolve().parts) for path in paths), default=0)
    beside = _repeated(str(path.resolve().parent / stem(path)) for path in paths)
    stems = [
        path.name if str(path.resolve().parent / stem(path)) in beside else stem(path)
        for path in paths
    ]
    found = [_label([name]) for name in stems]
    for depth in range(1, most):
        repeated = _repeated(found)
        if not repeated:
            return found
        found = [
            _label([*_folders(path, depth), name]) if label in repeated else label
            for path, name, label in zip(paths, stems, found, strict=True)
        ]
    taken, repeated = set(found), _repeated(found)
    for place, label in enumerate(found):
        if label in repeated:
            numbered = (f"{label}-{number}" for number in range(1, len(taken) + 2))
            found[place] = next(other for other in numbered if other not in taken)
            taken.add(found[place])
    return found


def _folders(path: Path, depth: int) -> tuple[str, ...]:
    return path.resolve().parent.parts[1:][-depth:]


def _repeated(labels: Iterable[str]) -> set[str]:
    seen = list(labels)
    return {label for label in seen if seen.count(label) > 1}


def _label(words: Iterable[str]) -> str:
    text = re.sub(r"[^A-Za-z0-9 ._+@-]+", "-", _ascii("-".join(words)))
    text = re.sub(r"^[^A-Za-z0-9]+", "", text).rstrip("- ")
    if not LABEL.fullmatch(text) or text == CEILING:
        return f"answers-{text}".rstrip("-")
    return text


def _ascii(text: str) -> str:
    """Letters without their accents; others stay, and are no part of a name."""
    parts = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in parts if not unicodedata.combining(sign))


def relative(path: Path, folder: Path) -> str:
    """A file's path from a folder, without links on the way; absolute if there is none."""
    # The name stays, for it says what the file is: a link's target may have another.
    real = path.parent.resolve() / path.name
    try:
        found = Path(os.path.relpath(real, folder.resolve())).as_posix()
        return str(real) if found.startswith("~") else found  # which would be somebody's home
    except ValueError:  # on another drive
        return str(real)
