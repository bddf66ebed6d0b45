"""What things may be called: names, labels, the one label that is taken, and what was meant."""

import re
from collections.abc import Iterable

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
