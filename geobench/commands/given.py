"""What `geobench score` is given: files and KEY=VALUE words -> components, as YAML has them."""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from geobench.answers import SAID_ALONG
from geobench.catalogue import installed
from geobench.components import Plugin
from geobench.config.composing import benchmark_name, labels_of, relative, stem
from geobench.config.configure import configure
from geobench.config.origins import RESERVED, CommandLine, Default
from geobench.data import Dataset, Table
from geobench.errors import ConfigError
from geobench.methods import Method
from geobench.names import did_you_mean

_COLUMNS_OF_ANSWERS = {*SAID_ALONG, "sample"}


@final
@dataclass(frozen=True)
class Given:
    """A component that a command line gives.

    Args:
        written: as it was typed.
        option: of its KEY=VALUE words.
        entry: how YAML has it.
        plugin: configured.
    """

    written: str
    option: str
    entry: Mapping[str, Any]
    plugin: Plugin

    @property
    def path(self) -> Path | None:
        """The file, if it is one."""
        return Path(self.written) if Path(self.written).is_file() else None

    @property
    def says_one_place(self) -> bool:
        """Whether a method says one place of each photo; True where its file cannot be read,
        which the run says."""
        assert isinstance(self.plugin, Method)
        return not _reads(self.plugin) or self.plugin.says_one_place

    @property
    def says_along(self) -> frozenset[str]:
        """What a method says beside its answers; nothing where its file cannot be read."""
        assert isinstance(self.plugin, Method)
        return self.plugin.says_along if _reads(self.plugin) else frozenset()

    @property
    def has_parts(self) -> bool:
        """Whether a dataset has parts of its own."""
        table = _table(self.plugin)
        return table is not None and table.part is not None

    def as_typed(self, text: str, *, but: str = "") -> str:
        """What is said of keys, with how they are typed on the command line.

        Args:
            text: what is said.
            but: a key that is of no use here.
        """
        found = {}
        for key in type(self.plugin.config).model_fields.keys() - {but}:
            # Columns' keys are no other words; of those that are, the key stands in backticks.
            if said := re.search(rf"`{key}[:`]|\b{key}\b(?<=_column)", text):
                found[said.start()] = _FLAGS.get(key) or (
                    f"{self.option} {shlex.quote(f'{key}={_example(key, text)}')}"
                )
        if not found:
            return text
        return f"{text} On this command line: {' '.join(found[at] for at in sorted(found))}"


_FLAGS = {"missing": "--missing farthest"}


def _example(key: str, text: str) -> str:
    """What to write for a key: what a message says, or else something to be replaced."""
    said = re.search(rf"\b{key}: ([^\s`]+?)[.,;]?(?:[\s`]|$)", text)
    if said:
        return said.group(1)
    return '["NAME"]' if key == "parts" else "NAME"


def check_files(truth: str, answers: Sequence[Path]) -> None:
    """Look whether the files are there, and none twice.

    Raises:
        ConfigError: one is not, with those that are.
    """
    datasets = [each.name for each in installed().of_kind(Dataset.kind)]
    if not Path(truth).exists() and truth not in datasets:
        raise ConfigError(
            f"{truth} is neither a file nor a dataset",
            remedy=did_you_mean(truth, [*_files_beside(Path(truth)), *datasets]),
        )
    seen = dict[Path, Path]()
    for path in answers:
        if not path.is_file():
            raise ConfigError(
                "is a folder, not a file" if path.is_dir() else "there is no such file",
                where=str(path),
                remedy=did_you_mean(path, _files_beside(path), otherwise=_GIVE),
            )
        if seen.setdefault(path.resolve(), path) is not path:
            raise ConfigError(
                "is given twice among the answers",
                where=str(path),
                remedy="Give each file of answers once; TRUTH may be one of them.",
            )


_GIVE = "Give the CSV or Parquet file's path."


def _files_beside(path: Path) -> list[str]:
    folder = path if path.is_dir() else path.parent
    try:
        return sorted(str(each) for each in folder.iterdir() if each.is_file())
    except OSError:
        return []


def dataset(truth: str, words: Sequence[str], *, folder: Path) -> Given:
    """The dataset that TRUTH means: a file, a folder of photos, or the name of one.

    Args:
        words: its configuration, KEY=VALUE each.
        folder: of the YAML file, which paths are relative to.

    Raises:
        ConfigError: a key or a value that it does not take.
    """
    path = Path(truth)
    if not path.exists():
        name, files = truth, dict[str, Path]()
    elif path.is_dir():
        name, files = "folder", {"root": path}
    else:
        name, files = "table", {"file": path}
    return _given(Dataset, name, words, written=truth, option="--truth", files=files, folder=folder)


def methods(answers: Sequence[Path], words: Sequence[str], *, folder: Path) -> list[Given]:
    """The methods that files of answers are, by labels that tell them apart.

    Args:
        words: the configuration of each, KEY=VALUE each.
        folder: of the YAML file, which paths are relative to.

    Raises:
        ConfigError: a key or a value that they do not take.
    """
    return [
        _given(
            Method,
            "predictions",
            words,
            written=str(path),
            option="--answers",
            files={"file": path},
            folder=folder,
            label=label,
        )
        for path, label in zip(answers, labels_of(answers), strict=True)
    ]


def _given(
    wanted: type[Plugin],
    name: str,
    words: Sequence[str],
    *,
    written: str,
    option: str,
    files: Mapping[str, Path],
    folder: Path,
    label: str = "",
) -> Given:
    origin = CommandLine(name, words, option=option, catalogue=installed())
    settings = {key: value for key, value in origin.entry.items() if key != "name"}
    if twice := sorted({*settings} & {*files, "name"}):
        raise ConfigError(
            f"{option} says {twice[0]}, and so does {written}",
            remedy=f"Leave {option} {twice[0]}={settings[twice[0]]} out.",
        )
    origin.entry |= {key: str(path.absolute()) for key, path in files.items()}
    plugin = _configured(wanted, origin)
    config = plugin.config
    typed = {
        key: _as_yaml(value if key in RESERVED else getattr(config, key), folder)
        for key, value in settings.items()
    }
    paths = {key: relative(path, folder) for key, path in files.items()}
    entry = {"name": name, **({"label": label} if label else {}), **paths, **typed}
    return Given(written, option, entry, plugin)


def _configured(wanted: type[Plugin], origin: CommandLine) -> Plugin:
    # All words are text. A field that takes one of a few numbers does not take it as text, and one
    # that takes the name of a column does not take a number.
    try:
        return configure(wanted, origin.entry, origin=origin).plugin
    except ConfigError as error:
        numbers = {key: _number(value) for key, value in origin.entry.items()}
        if numbers == origin.entry:
            raise
        origin.entry |= numbers
        try:
            return configure(wanted, origin.entry, origin=origin).plugin
        except ConfigError:
            raise error from None


def _number(value: Any) -> Any:
    for kind in (int, float):
        try:
            return kind(value) if isinstance(value, str) else value
        except ValueError:
            pass
    return value


def _as_yaml(value: Any, folder: Path) -> Any:
    if isinstance(value, Path):
        return relative(value, folder)
    return list(value) if isinstance(value, tuple) else value


def name_for(truth: str) -> str:
    """The name of the benchmark about a truth."""
    return benchmark_name("score", stem(Path(truth).absolute()))


def order(truth: Given, answers: Iterable[Given]) -> str:
    """What to type where truth and answers seem to be given in the wrong order; else ""."""
    if truth.path is None:
        return ""
    table = _table(truth.plugin)
    told = set() if table is None else _COLUMNS_OF_ANSWERS & set(map(str.lower, table.attributes))
    for each in answers:
        path = each.path
        assert path is not None
        if path.samefile(truth.path):
            continue
        fits = table is not None and _reads(each.plugin)
        if fits and not told:
            continue
        if not _reads(_plain(Method, "predictions", truth.path)):
            continue
        if _table(_plain(Dataset, "table", path)) is None:
            continue
        why = f"It has a column {min(told)}, as answers have" if fits else f"As one, {path} is read"
        again = shlex.join(["geobench", "score", str(path), truth.written])
        return f"Is {truth.written} the truth? {why}. If not: {again}"
    return ""


def _plain(wanted: type[Plugin], name: str, file: Path) -> Plugin:
    entry = {"name": name, "file": str(file.absolute())}
    return configure(wanted, entry, origin=Default(installed())).plugin


def _table(plugin: Plugin) -> Table | None:
    """What a dataset holds, or None where it cannot be read."""
    assert isinstance(plugin, Dataset)
    try:
        return plugin.table
    except Exception:  # whatever: the run says why
        return None


def _reads(plugin: Plugin) -> bool:
    """Whether a file of answers can be read as one."""
    assert isinstance(plugin, Method)
    try:
        _ = plugin.says_one_place
    except Exception:  # whatever: the run says why
        return False
    return True
