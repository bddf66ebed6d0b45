"""What no file, message or log tells: secrets; and what no published text tells: folders of a disk.

Texts of others hold both: a library quotes the address that it asked, with the token in it, and an
error names the file that was not there, with the home of who ran it.
"""

import functools
import re
import sys
from collections.abc import Callable
from pathlib import PurePosixPath

SECRET = "(secret)"
"""Stands where one was."""

HOME = "~"
"""Stands where somebody's home was, whose name is the user's."""

_VALUE = r"(?:\"[^\"]{1,500}\"|'[^']{1,500}'|[^\s'\",;&)}\]]+)"
_ARMOUR = r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----"
_HEADER = (
    r"(\b(?:proxy-)?authorization['\"]?\s{0,3}[:=]\s{0,3}['\"]?)"
    r"(?:(?:bearer|basic|digest|token|negotiate|apikey)\s+)?[^\s'\",;]+"
)
# password=..., "api_key": "...", ?token=..., aws_secret_access_key = ...
_NAMED = (
    r"((?:pass(?:word|wd|phrase|code)|(?<![a-z])pwd|secret|api[_-]?key|access[_-]?key"
    r"|account[_-]?key|private[_-]?key|credential|token(?!s|i[sz])"
    r"|[?&](?:sig|signature|key|auth|x-amz-[a-z-]{1,40})(?==))"
    r"[\w-]{0,40}['\"]?\s{0,3}(?:=>|[=:])\s{0,3})(?!\(secret\))" + _VALUE
)
_TOKENS = (
    r"(?<![A-Za-z0-9])(?:"
    r"hf_(?:[A-Za-z0-9]{16,}|(?=[A-Za-z]{0,40}\d)[A-Za-z0-9]{6,})"
    r"|gh[pousr]_[A-Za-z0-9]{10,}|github_pat_\w{10,}|glpat-[\w-]{10,}"
    r"|(?-i:A(?:KIA|SIA|ROA|IDA|NPA)[A-Z0-9]{12,})"
    r"|sk-[\w-]{16,}|[rsp]k_(?:live|test)_\w{8,}|xox[abeoprs]-[\w-]{8,}"
    r"|(?-i:AIza)[\w-]{30,}|ya29\.[\w-]{10,}|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{30,}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|dop_v1_[0-9a-f]{30,}|r8_[A-Za-z0-9]{30,}"
    r"|(?-i:eyJ)[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?"
    r")"
)
_SECRETS = (
    # A key in armour, whole or with its end cut off.
    (rf"{_ARMOUR}(?:[^-]|-(?!----)){{0,10000}}(?:-----END [A-Z ]{{1,40}}-----)?", ""),
    # Name and password of an URL, up to its last @.
    (r"(\b[a-z][a-z0-9+.-]{1,20}://)[^\s/?#'\"<>]{1,500}(?=@)", r"\1"),
    (_HEADER, r"\1"),
    (r"(\b(?:set-)?cookie['\"]?\s{0,3}:\s{0,3}['\"]?)[^\r\n'\"]+", r"\1"),
    (r"(\b(?:bearer|basic)\s+)(?=[A-Za-z._~+/-]{0,200}[0-9=])[\w.~+/=-]{6,}", r"\1"),
    (_NAMED, r"\1"),
    (r"(\bpass(?:word|wd|phrase)\s+(?:is\s+)?)(?:\"[^\"\n]{1,500}\"|'[^'\n]{1,500}')", r"\1"),
    (r"(--?(?:password|passwd|token|api-key|secret)\s+)(?!-)[^\s'\",;]+", r"\1"),
    (_TOKENS, ""),
)


@functools.cache
def _secrets() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(p, re.IGNORECASE), f"{kept}{SECRET}") for p, kept in _SECRETS)


def without_secrets(text: str) -> str:
    """A text in which tokens, passwords and credentials are `SECRET`, whoever wrote it.

    Known are the forms of tokens of common services, what a URL says before its `@`, headers that
    authorise, and what follows a word such as `password=`.
    """
    for pattern, instead in _secrets():
        text = pattern.sub(instead, text)
    return text


_DEVICES = r"/dev/(?:null|zero|full|u?random|tty|std\w+)\b"  # the same on every machine
_ROOT = rf"(?<![\w.])(?!{_DEVICES})(?:(?:[A-Za-z]:|~\w*|\.\.)[\\/]|/|\\\\)"
_WORD = r"(?:[^\s:*?\"'<>|\\/]|'(?=\w))"  # of a path; anna's photos has an apostrophe
_WORDS = rf"(?:{_WORD}|[\\/])"


@functools.cache
def _paths() -> re.Pattern[str]:
    return re.compile(
        rf"(?P<address>\b(?!file:)[a-z][a-z0-9+.-]{{1,20}}://\S+)"
        # In quotes all is of the path, up to the quote that ends them.
        rf"|(?P<quote>['\"`])(?P<quoted>{_ROOT}(?:(?!(?P=quote)(?!\w))[^\n]){{1,1000}})(?P=quote)"
        # A path up to a blank, and on where a name and a slash follow within three words.
        rf"|{_ROOT}{_WORDS}+(?:(?:\s+{_WORD}+){{0,2}}\s+{_WORD}+[\\/]{_WORDS}*)*"
        r"|(?<![\w.~])~\w+",
        re.IGNORECASE,
    )


def without_folders(text: str, show: Callable[[str], str] | None = None) -> str:
    """A text in which files stand by their names alone, and homes as `HOME`; addresses stay.

    Args:
        text: any, of which paths may be in quotes, of Windows, or begin with file://.
        show: what is written of a path instead; its name, unless given.
    """
    shown = show or file_name_of

    def written(found: re.Match[str]) -> str:
        if found["address"]:
            return found[0]
        if found["quoted"]:
            return f"{found['quote']}{shown(found['quoted'])}{found['quote']}"
        return shown(found[0])

    return _paths().sub(written, text)


_HOMES = re.compile(r"(?:[A-Za-z]:)?/+(?:(?:home|Users)/+[^/]+|root|Users|home)/*|~\w*/*", re.I)


def file_name_of(path: str) -> str:
    """The last step of a path; `HOME` of somebody's home, and a slash alone as it is."""
    steps = re.sub(r"\\+", "/", path)
    if _HOMES.fullmatch(steps):
        return HOME
    return steps.rstrip("/").rpartition("/")[2] or path


_PACKAGES = ("site-packages", "dist-packages")


def module_file(path: str) -> str:
    """The path of a module from where Python found it: `site-packages/torch/nn/functional.py`."""
    steps = PurePosixPath(re.sub(r"\\+", "/", path)).parts
    for packages in _PACKAGES:
        if packages in steps:
            return "/".join(steps[steps.index(packages) :])
    for place in sorted(map(_steps, sys.path), key=len, reverse=True):
        if len(place) > 1 and steps[: len(place)] == place:
            return "/".join(steps[len(place) :])
    return file_name_of(path)


def _steps(path: str) -> tuple[str, ...]:
    return PurePosixPath(re.sub(r"\\+", "/", path)).parts


def shareable(text: str) -> str:
    """A text as a published file may hold it: without secrets, and without folders."""
    return without_folders(without_secrets(text))
