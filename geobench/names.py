"""What things may be called, the word that was meant, and the photo that an id of others means."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from geobench.digests import digest

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""Of plugins, which are written in YAML, and of benchmarks, which name folders."""

LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+@-]*")
"""Of rows and of parts. There is no slash in them: one stands between a split and its part."""

CEILING = "oracle-training-place"
"""The label of the row that always answers with the training place nearest to the truth."""


LONGEST = 200
"""Bytes of a name of a file, to which an ending is added: file systems take 255."""


def file_name(text: str, *, most: int = LONGEST) -> str:
    """A text as a name of a file, without its ending; of a long one the beginning and a digest.

    Args:
        text: what it would be called, if there were room.
        most: how many bytes there are.
    """
    written = text.encode("utf-8", "surrogatepass")
    if len(written) <= most:
        return text
    start = written[: most - 13].decode("utf-8", "ignore")
    return f"{start}-{digest(text)[:12]}"


def did_you_mean(name: object, known: Iterable[str], *, otherwise: str = "") -> str:
    """The remedy for a name that there is not: the nearest that there are, or else all of them.

    Args:
        name: what was written, of whatever type.
        known: what could have been written, in the order in which it is listed.
        otherwise: what to say in place of a list that would be too long to read.
    """
    import difflib  # here, because it is for what went wrong

    names = list(known)
    near = difflib.get_close_matches(str(name), names, n=3)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return otherwise or f"There are: {', '.join(names) or 'none'}."


def meeting_form(text: str) -> str:
    """The form in which two names are compared: NFC, whichever way accents were typed or stored."""
    return unicodedata.normalize("NFC", text)


@final
class Met(NamedTuple):
    """Ids of answers in the words of the photos.

    Args:
        ids: (R,), those that met a photo as the photo's id; the others as they were written.
        remarks: how many met otherwise than as written, each in a sentence.
    """

    ids: NDArray[np.str_]
    remarks: list[str]


def meet(written: NDArray[np.str_], known: NDArray[np.str_]) -> Met:
    """Find the photos that ids mean: as written; in another form of Unicode; without file ending;
    without folder; without both.

    An id meets a photo where that is unambiguous: no other photo, and no other id of the answers,
    is the same in that form. What meets nothing stays as it is written.

    Args:
        written: of the answers, (R,); a photo may have several rows.
        known: of all photos that may be answered, (N,).
    """
    distinct, rows = np.unique(written, return_inverse=True)
    named = set(known.tolist())
    found = {name: name for name in distinct.tolist() if name in named}
    remarks = []
    for how, form in _FORMS.items():
        left = [name for name in distinct.tolist() if name not in found]
        if not left:
            break
        # A photo that was met already is none that another id could mean.
        free = _only(sorted(named - set(found.values())), form)
        # Nor does an id mean one where a form of it is that of an id that has met.
        taken = {form(name) for name in found}
        new = {name: free[key] for key, name in _only(left, form).items() if key in free}
        new = {name: photo for name, photo in new.items() if form(name) not in taken}
        if new:
            found |= new
            name, photo = next(iter(new.items()))
            remarks.append(f"{len(new):,} ids meet their photos {how}: {name} is {photo}")
    if not remarks:
        return Met(written, [])
    ids = np.array([found.get(name, name) for name in distinct.tolist()], dtype=np.str_)
    return Met(ids[rows], remarks)


def _only(names: list[str], form: Callable[[str], str]) -> dict[str, str]:
    """Form -> the one name that has it."""
    forms = {name: form(name) for name in names}
    counts = Counter(forms.values())
    return {key: name for name, key in forms.items() if counts[key] == 1}


def _without_ending(name: str) -> str:
    # `12.5` has no ending: those of pictures begin with a letter.
    return re.sub(r"\.[A-Za-z][A-Za-z0-9]{1,4}$", "", meeting_form(name))


def _without_folder(name: str) -> str:
    return PurePosixPath(meeting_form(name).replace("\\", "/")).name


_FORMS: dict[str, Callable[[str], str]] = {
    "in another form of Unicode": meeting_form,
    "without file ending": _without_ending,
    "without folder": _without_folder,
    "without folder and file ending": lambda name: _without_ending(_without_folder(name)),
}
