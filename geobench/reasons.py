"""Why photos are left out and why methods fail, as a page may say it: no place on a disk, no photo
that may not be named, and reasons that differ only in what they are about counted together.

Reasons come from datasets and from the decoders of pictures, and many name the file: its path, with
the name of a user, would be published with a leaderboard, and each photo would be a reason of its
own. So they are cleaned where they are counted, whoever wrote them; logs show them as they are.
"""

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from geobench.confidential import module_file, shareable, without_folders, without_secrets
from geobench.errors import storable

_NUMBER = "N"  # stands where reasons differ in a number, or where one names a photo
_LONGEST = 160  # characters; decoders may quote what they read
_LOOKED_AT = 500
_REMEMBERED = 4096
_NO_WORDS = "no reason that may be shown"

_ENDINGS = (
    "jpe?g|jpe|jfif|png|webp|tiff?|bmp|gif|avif|hei[cf]s?|jp2|j2k|jpx|jxl|dng|raw|cr[23]|nef|arw|orf"
    "|rw2|raf|pef|srw|svg|psd|pdf|mp4|mov|avi|mkv|csv|tsv|txt|jsonl?|xml|xmp|ya?ml|parquet|feather"
    "|arrow|npy|npz|h5|hdf5|pkl|pickle|pt|pth|l?mdb|db|sqlite|zip|tar|t?gz|bz2|7z|html?|py|tmp|part"
)
_FILE = rf"\.(?:{_ENDINGS})(?![A-Za-z0-9])"
_ROOT = r"(?<![\w.])(?:[A-Za-z]:|~\w*)?[\\/]"
_WORD = r"(?:[^\s:*?\"'<>|\\/]|'(?=\w))"  # of a path; anna's photos has an apostrophe
_WORDS = rf"(?:{_WORD}|[\\/])"
_NAMES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b[a-z][a-z0-9+.-]+://[^\s'\"<>]+",  # an address
        rf"(['\"`])(?:(?!\1).)*(?:[\\/]|{_FILE})(?:(?!\1).)*\1",  # a path or a file in quotes
        rf"{_ROOT}(?:[^:*?\"'<>|]|'(?=\w))*?{_FILE}",  # a path, with its blanks, to a file's name
        # A path up to a blank, and on where a slash follows within three words.
        rf"{_ROOT}{_WORDS}*\w{_WORDS}*(?:(?:\s+{_WORD}+){{0,2}}\s+{_WORD}*[\\/]{_WORDS}*)*",
        rf"^[^:]*{_FILE}(?=:|$|\s+(?:is|was|has|cannot|could|not)\b)",  # "my photo.jpg: ..."
        rf"[^\s'\"`(]*{_FILE}",  # a file's name
        r"[^\s'\"`(]*[\\/][^\s'\"`]*[\\/][^\s'\"`]*",  # folders
        r"[^\s'\"`(]*[\\/][^\s'\"`]*\d[^\s'\"`]*",  # a name in a folder
    )
)
_ADDRESS = re.compile(r"\s+(?:object\s+)?at 0x[0-9a-f]+", re.IGNORECASE)  # of an object in memory
_NAMING = re.compile(
    r"\b(?!JPEG|ISO|RFC|UTF)(?=\w*\d)"
    r"(?:\w*_\w*|[A-Za-z]+\d{4,}\w*|\d{6,}\w*|(?=\w*[a-f])[0-9a-f]{8,})\b"
)  # IMG_0001, DSC00001, an id, a digest
_COUNTING = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*(?![\w.])")
_EXAMPLES = re.compile(
    r"\s*\((?:the )?(?:first|last|such as|for example|e\.g\.|namely)\b[^()]*(?:\([^()]*\)[^()]*)*"
    r"(?:\)|$)",
    re.IGNORECASE,
)  # "(first: a; b (2); c)"
_QUOTED = re.compile(r"(?<!\w)(['\"])(?:(?!\1).)*\1(?!\w)")
_MOST_WORDS = 8  # of an id
_PUNCTUATION = ".,;:!?()[]{}<>'\"`"
_EMPTY = re.compile(r"\(\s*\)|\[\s*\]|<\s*>|''|\"\"|``")


def counted(broken: Mapping[str, int]) -> dict[str, int]:
    """Reason -> how many, each as a page may say it, those that then are one added up.

    What is no such mapping is left as it is, for the conformance kit to find.
    """
    if not all(isinstance(why, str) and isinstance(n, int) for why, n in broken.items()):
        return dict(broken)
    found = dict[str, int]()
    for why, count in zip(together(list(broken)), broken.values(), strict=True):
        found[why] = found.get(why, 0) + count
    return found


def together(reasons: Sequence[str], photos: Iterable[str] = ()) -> list[str]:
    """Each reason as it is counted.

    Args:
        reasons: as they were given.
        photos: the id of the photo that each is about; none where that is not known.
    """
    ids = list(photos) or [""] * len(reasons)
    clean = [_clean(why, photo) for why, photo in zip(reasons, ids, strict=True)]
    alike = dict[str, set[str]]()
    for why in clean:
        alike.setdefault(_COUNTING.sub(_NUMBER, why), set()).add(why)
    general = {why: key for key, several in alike.items() if len(several) > 1 for why in several}
    return [general.get(why, why) for why in clean]


def fault(text: str, *, head: str = "", is_photo: Callable[[str], bool] | None = None) -> str:
    """Why a method failed, as records, tables and pages may say it: files by their names, no folder
    and no secret.

    Where photos may not be named, neither is a file, and nothing that is quoted or shown as an
    example is said.

    Args:
        text: an error in one line.
        head: what it may begin with that is no photo: "method gpt_4o: ".
        is_photo: whether a text is the id of a photo; None where photos may be named.
    """
    if is_photo is None:
        return shareable(text)
    head = head if text.startswith(head) else ""
    rest = without_secrets(text.removeprefix(head))
    return head + _plain(_without_photos(rest, is_photo))


_FRAME = re.compile(r'(?P<edge>[ |+-]*)File "(?P<file>[^"\n]*)", line (?P<rest>\d+(?:, in .*)?)')
_CHAINS = (
    "Traceback (most recent call last):",
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)
_OF_PYTHON = re.compile(rf"[ |+-]*(?:{'|'.join(map(re.escape, _CHAINS))})")
_WIDEST = 4000  # letters of a line of a traceback


def traceback(text: str, *, is_photo: Callable[[str], bool] | None = None) -> str:
    """The traceback of a failure as a record may keep it, which is published with its board.

    Modules stand from where Python found them, other files by their names, and no secret is left.
    Where photos may not be named, of every error stay the frames and what `fault` says of it.

    Args:
        text: as Python writes it.
        is_photo: as of `fault`.
    """
    lines = (storable(line, _WIDEST) for line in text.split("\n"))
    return "\n".join(_line_of_traceback(line, is_photo) for line in lines)


def _line_of_traceback(line: str, is_photo: Callable[[str], bool] | None) -> str:
    frame = _FRAME.fullmatch(line)
    if frame:
        file = frame["file"] if frame["file"].startswith("<") else module_file(frame["file"])
        shown = f'{frame["edge"]}File "{file}", line {frame["rest"]}'
        if is_photo is None:
            return shown
        # An error's own words may look like a frame: what is no module is none.
        if re.fullmatch(r"[\w./-]*\.py|<[\w. ]+>", file):
            return frame["edge"] + _without_ids(shown.strip(), is_photo)
    if is_photo is None:
        return without_folders(without_secrets(line))
    if not line.strip() or _OF_PYTHON.fullmatch(line):
        return line
    return fault(line, is_photo=is_photo)


def named_for_all(names: Iterable[str], is_photo: Callable[[str], bool]) -> dict[str, str]:
    """Name of a fact -> that name without ids of photos; what would then repeat is numbered."""
    found = dict[str, str]()
    for name in names:
        clean = _without_ids(name, lambda text: len(text) >= _LEAST_OF_ID and is_photo(text))
        number, shown = 1, clean
        while shown in found.values():
            number += 1
            shown = f"{clean} ({number})"
        found[name] = shown
    return found


_LEAST_OF_ID = 6
"""Letters of an id in a name: a short one, such as "train", is a word of many names."""


def _without_photos(text: str, is_photo: Callable[[str], bool]) -> str:
    """A text without examples, quotes and ids, of as many letters as are looked at."""
    return _without_ids(
        _QUOTED.sub("", _EXAMPLES.sub("", " ".join(text.split())))[:_LOOKED_AT], is_photo
    )


def _without_ids(text: str, is_photo: Callable[[str], bool]) -> str:
    words, found = text.split(" "), list[str]()
    while words:
        some = (" ".join(words[:count]) for count in range(_MOST_WORDS, 0, -1))
        named = next((each for each in some if is_photo(each.strip(_PUNCTUATION))), "")
        found.append(_NUMBER if named else words[0])
        words = words[named.count(" ") + 1 :]
    return " ".join(found)


def _clean(reason: str, photo: str) -> str:
    """A reason without names; "" stays "", which is none."""
    if not reason.strip():
        return ""
    text = " ".join(without_secrets(reason[:_LOOKED_AT]).split())
    for name in _names_of(photo):
        text = _without(text, name)
    return _plain(text)


@functools.lru_cache(_REMEMBERED)  # a million files that are gone have one reason
def _plain(text: str) -> str:
    text = _ADDRESS.sub("", text)
    for pattern in _NAMES:
        text = pattern.sub("", text)
    text = _EMPTY.sub("", _NAMING.sub(_NUMBER, text))
    text = re.sub(r"\s+([:;,.])", r"\1", " ".join(text.split())).strip(" :;,-")
    if len(text) > _LONGEST:
        text = text[:_LONGEST].rpartition(" ")[0] + " ..."
    return text or _NO_WORDS


def _without(text: str, name: str) -> str:
    """A text without a name, wherever that is no part of a longer word."""
    first, *others = text.split(name)
    for piece in others:
        part = first[-1:].isalnum() or piece[:1].isalnum()
        first += (name if part else "") + piece
    return first


def _names_of(photo: str) -> list[str]:
    """What a reason may call a photo: its id, the file of that name, and its stem."""
    name = photo.replace("\\", "/").rpartition("/")[2]
    found = dict.fromkeys([photo, name, name.rpartition(".")[0]])
    # A word such as "a" is no name, and would be cut out of every sentence.
    return [each for each in found if len(each) > 2 or each.isdigit()]
