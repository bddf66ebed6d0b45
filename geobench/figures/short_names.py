"""Names for which there is no room in a picture: they lose their middle, and no two become one."""

from collections.abc import Iterable

from geobench.figures.fitted import width_of

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

BESIDE = 26
"""Letters of a name beside a panel."""

TITLE_SIZE = 9.5
"""Points of the letters above a panel."""

ABOVE = 40
"""Letters of a name above a map, or in a legend."""


_FEWEST = 16
"""Letters of a name above a panel, however wide they are and whatever stands behind them."""
_ROOM = 3.52
"""Inches above a panel that has axes."""


def shortened(name: str, *, most: int = BESIDE) -> str:
    """A name for which there is room; a long one loses its middle."""
    if len(name) <= most:
        return name
    tail = 2 * (most - 1) // 5
    return f"{name[: most - 1 - tail]}{ELLIPSIS}{name[len(name) - tail :]}"


def short_names(names: Iterable[str], *, most: int = BESIDE) -> dict[str, str]:
    """Name -> what is written of it where names stand together: no two are written alike.

    Those that would be show where they differ first; where that is not enough, a number.

    Args:
        names: all that stand in the picture.
        most: how many letters have room.
    """
    own = list(dict.fromkeys(names))
    alike: dict[str, list[str]] = {}
    for name in own:
        alike.setdefault(shortened(name, most=most), []).append(name)
    found = {group[0]: short for short, group in alike.items() if len(group) == 1}
    for group in (group for group in alike.values() if len(group) > 1):
        shown = {name: _from_the_difference(name, group, most=most) for name in group}
        if len({*shown.values()} - {*found.values()}) < len(group):
            shown = {name: _numbered(name, at, most=most) for at, name in enumerate(group, 1)}
        found |= shown
    return {name: found[name] for name in own}


def panel_names(
    names: Iterable[str], *, endings: Iterable[str] = ("",), room: float = _ROOM
) -> dict[str, str]:
    """Name -> what is written of it above a panel, one of two in a row.

    Args:
        names: of all panels.
        endings: what else stands in the line, of which the longest counts.
        room: inches above a panel.
    """
    own, ending = list(dict.fromkeys(names)), max(endings, key=len, default="")

    def fits(name: str) -> bool:
        return width_of(name + ending, size=TITLE_SIZE, bold=True) <= room

    if all(map(fits, own)):
        return {name: name for name in own}
    lengths = range(ABOVE, _FEWEST - 1, -1)
    tried = (short_names(own, most=most) for most in lengths)
    fitting = (each for each in tried if all(map(fits, each.values())))
    short = next(fitting, None) or short_names(own, most=_FEWEST)
    return {name: name if fits(name) else short[name] for name in own}


def _from_the_difference(name: str, group: list[str], *, most: int) -> str:
    """The beginning, what follows where the names of a group part, and the end."""
    letters = enumerate(zip(*group, strict=False))
    parting = next((at for at, signs in letters if len({*signs}) > 1), min(map(len, group)))
    room = (most - 2) // 3
    middle = name[max(parting - 1, room) :][: most - 2 - 2 * room]
    return f"{name[:room]}{ELLIPSIS}{middle}{ELLIPSIS}{name[len(name) - room :]}"


def _numbered(name: str, number: int, *, most: int) -> str:
    said = f"{ELLIPSIS}({number}){ELLIPSIS}"
    room = (most - len(said)) // 2
    return f"{name[:room]}{said}{name[len(name) - room :]}"
