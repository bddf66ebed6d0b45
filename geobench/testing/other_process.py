"""The same thing elsewhere: under other global random states, pickled, and in another process."""

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from geobench import random_states
from geobench.components import Plugin
from geobench.features.sharing import share
from geobench.testing.check import Failure, Skip, ensure
from geobench.testing.subject import Imported, Subject
from geobench.testing.untouched import untouched_random_state

Findings: TypeAlias = Mapping[str, Any]
"""What was found, by a name that an error can use: numbers, strings or arrays."""

_NOT_IMPORTABLE = 77
_SECONDS = 120


def difference(first: Findings, second: Findings, *, tolerance: float = 0.0) -> str:
    """The name of what differs first; "" if nothing does.

    Args:
        tolerance: relative to the largest number of each array; 0 asks for the same numbers.
    """
    for name, value in first.items():
        if name not in second or not _same(value, second[name], tolerance):
            return name
    return next((name for name in second if name not in first), "")


def _same(a: Any, b: Any, tolerance: float) -> bool:
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray):
        return bool(a == b)
    if a.shape != b.shape:
        return False
    if a.dtype.kind != "f" or b.dtype.kind != "f":
        return bool((a == b).all())
    largest = float(np.abs(a[np.isfinite(a)]).max(initial=0.0))
    return bool(np.allclose(a, b, rtol=0, atol=tolerance * largest, equal_nan=True))


def check_random_state(find: Callable[[], Findings], *, by: str, tolerance: float = 0.0) -> None:
    """Raise Failure if `find` changes a global random state, or finds something else under
    another one."""
    find()  # imports what is imported on first use
    with untouched_random_state(by):
        first = find()
    with random_states.kept():
        random_states.seed(1)
        second = find()
    changed = difference(first, second, tolerance=tolerance)
    ensure(
        not changed,
        f"{by} depends on the global random state: {changed} is another under another one",
        "Draw from np.random.default_rng([seed of the configuration]).",
    )


def check_another_process(
    subject: Subject[Any],
    find: Callable[..., Findings],
    *arguments: Any,
    here: Findings | None = None,
    tolerance: float = 0.0,
) -> None:
    """Raise Failure if `find(*arguments)` finds something else in another process.

    That process hashes strings with another seed, so that sets have another order there.

    Args:
        find: a function of a module.
        here: what it finds in this process; asked unless given.
        tolerance: as in `difference`.

    Raises:
        Skip: the class cannot be imported by its name.
    """
    here = find(*arguments) if here is None else here
    there = found_in_another_process(subject, find, *arguments)
    changed = difference(here, there, tolerance=tolerance)
    ensure(
        not changed,
        f"{changed} is another in another process, where strings have other hashes",
        "Sort what comes out of a set, and use no hash() of strings: it changes with the process.",
    )


def found_in_another_process(
    subject: Subject[Any], find: Callable[..., Findings], *arguments: Any
) -> Findings:
    """What `find(*arguments)` finds in a new process that has imported the plugin's module; what
    that import took is kept with the subject.

    Raises:
        Skip: the class cannot be imported by its name, or the arguments not be sent.
        Failure: it fails there.
    """
    import tempfile

    plugin: type[Plugin] = subject.plugin
    check_importable(plugin)
    with tempfile.TemporaryDirectory(prefix="geobench-check-") as folder:
        question, answer = Path(folder) / "question", Path(folder) / "answer"
        try:
            question.write_bytes(pickle.dumps((find, arguments)))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise Skip(f"its configuration cannot be sent to another process ({reason})") from error
        hash_seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
        path = os.pathsep.join(place or os.getcwd() for place in sys.path)
        done = subprocess.run(
            # -P: what lies in the working folder hides nothing that is installed.
            [sys.executable, "-P", "-c", _PROGRAM, plugin.__module__, str(question), str(answer)],
            env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
        if done.returncode == _NOT_IMPORTABLE:
            raise Skip(f"another process finds no module {plugin.__module__}")
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise Failure(f"it fails in another process: {last}")
        subject.imported, found = pickle.loads(answer.read_bytes())
        return found  # type: ignore[no-any-return]  # what `find` returned


_PROGRAM = "from geobench.testing import other_process; other_process.answer()"


def answer() -> None:
    """What the other process does: import a module, read a question, write the answer."""
    module, question, place = sys.argv[1:]
    begin = time.process_time()
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            sys.exit(_NOT_IMPORTABLE)
        raise
    packages = frozenset(name.partition(".")[0] for name in sys.modules)
    imported = Imported(time.process_time() - begin, packages)
    find, arguments = pickle.loads(Path(question).read_bytes())
    Path(place).write_bytes(pickle.dumps((imported, find(*arguments))))


def check_importable(plugin: type[Plugin]) -> None:
    """Raise Skip if another process could not find the class by its name."""
    if "<locals>" in plugin.__qualname__:
        raise Skip("the class is defined inside a function: no other process can import it")
    if plugin.__module__ == "__main__":
        raise Skip("the class is defined in a script: no other process can import it")
    found: Any = sys.modules.get(plugin.__module__)
    for name in plugin.__qualname__.split("."):
        found = getattr(found, name, None)
    if found is not plugin:
        raise Skip(f"there is no {plugin.__qualname__} in the module {plugin.__module__}")


def pickled(plugin: Any, folder: Path) -> Any:
    """A copy of an instance as a worker process gets it: its arrays mapped from a file in `folder`.

    Raises:
        Skip: its class cannot be imported by its name.
        Failure: it cannot be pickled.
    """
    check_importable(type(plugin))
    try:
        shared = share(plugin, folder / "arrays")
        return pickle.loads(pickle.dumps(shared)).restored()
    except Exception as error:
        raise Failure(
            f"it cannot be pickled ({type(error).__name__}: {error})",
            remedy="Workers get a pickled copy: open files where they are read, define functions "
            "at the top of the module, or leave such fields out in __getstate__.",
        ) from error
