"""Words of others in Markdown: what they hold is text, and no element, link, picture or heading."""

import re

from geobench.readable import printable

# A name such as accuracy@0.5km is no address.
_NAME = re.compile(
    r"(?!.*(?:\w:\S|www\.|@[a-z][\w-]*\.|(?<!\w)@))[a-z0-9][\w ,.;:@+%/()='-]*",
    re.ASCII | re.IGNORECASE,
)
_LIVE = re.compile(
    r"\b(?:https?|ftp|file|mailto|xmpp):\S+|\bwww\.\S+|(?<![^\s(,;:'\"])[\w.+-]*@\w[\w.-]*", re.I
)
"""What readers of Markdown make a link of, though it is not marked as one."""


def plain(text: str) -> str:
    """A text of others for a cell: what would be read as Markdown, HTML or a link stands as it is.

    Addresses and mentions are in code, where nothing makes a link of them.
    """
    shown, end = "", 0
    text = _in_a_line(text)
    for found in _LIVE.finditer(text):
        shown += _escaped(text[end : found.start()]) + code(found[0])
        end = found.end()
    return shown + _escaped(text[end:])


def prose(text: str | None) -> str:
    """A title or credit for a sentence: addresses stay links, all else is text."""
    return _no_block(_escaped(_in_a_line(text or "")))


def said(text: str) -> str:
    """A text of others for a line of its own, such as an error: `plain`, and no heading or list."""
    return _no_block(plain(text))


def code(text: str) -> str:
    """A name in code, or escaped where what is in it would end the code or the cell."""
    text = _in_a_line(text)
    return _escaped(text) if re.search(r"[`\\|]", text) or not text else f"`{text}`"


def named(text: str) -> str:
    """A name of a plugin's, such as that of a summary or a part: as it is, unless it is odd."""
    return text if _NAME.fullmatch(text) else plain(text)


def disarmed(text: str) -> str:
    """Sentences of a plugin's or a picture's, which may hold emphasis and code, and no element or
    link of theirs."""
    return re.sub(r"(?<!\\)([\[\]])", r"\\\1", _without_elements(text.strip()))


def _in_a_line(text: str) -> str:
    return " ".join(printable(text).split())


def _escaped(text: str) -> str:
    shown = re.sub(r"([\\`*|\[\]]|~~|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", text)
    return _without_elements(re.sub(r"&(?=#?\w+;)", "&amp;", shown))


def _without_elements(text: str) -> str:
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)


def _no_block(text: str) -> str:
    return re.sub(r"^(?:(?=[#>+=-])|(\d{1,9})(?=[.)]))", r"\1\\", text)
