"""Photos that two sets share under two names: ids that differ by prefix or suffix, at one place.

What is compared of an id: the whole of it; its file name without folder and ending; that without
what all ids of its set begin or end with; its digits; and each word of it that holds a digit. So
`train/123.jpg` meets `test/123.png`, `img_123` meets `123`, and `123_a` meets `123_b`. A key that
more than FEW photos of one set have names none of them: it is a counter, a date, a size.

Equal keys alone say nothing, for two sets that count from 0 have all of them in common. The places
have to agree, to the decimals of the one that has fewer, but no finer than FINE and no coarser than
COARSE degrees. Two cars that drive down one road take their 123rd frames near each other, too: only
of keys of DISTINCTIVE digits or more, which no short counter has, COARSE is near enough.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product, takewhile
from string import ascii_letters, digits
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from geobench.data import Indices
from geobench.geo import Points

FEW = 4
FINE = 1e-5
"""Degrees, about a metre: coordinates held as float32 differ by as much."""
COARSE = 1e-2
DISTINCTIVE = 8
_DRAWS = 3  # of photos at random, which tell how many places agree by chance
_ENDING = re.compile(r"\.[A-Za-z]\w{0,4}$")


@final
@dataclass(frozen=True, slots=True)
class Met:
    """Pairs of photos of two sets whose ids have something in common that few other photos have.

    Args:
        mine, theirs: their positions in the one and in the other set, (K,).
        agree: their places do, too, (K,).
        by_chance: how many would, were each paired with any photo of the other set.
    """

    mine: Indices
    theirs: Indices
    agree: NDArray[np.bool_]
    by_chance: float


@final
@dataclass(frozen=True, slots=True)
class Named:
    """The photos of a set: ids (N,), and where they were taken (N, 2)."""

    ids: NDArray[np.str_]
    points: Points


def meet(mine: Named, theirs: Named) -> Met:
    """The pairs of two sets, each once."""
    pairs = list(_pairs(mine.ids.tolist(), theirs.ids.tolist()))
    total = len(theirs.ids)
    codes = np.concatenate([each.mine * total + each.theirs for each in pairs])
    codes, which = np.unique(codes, return_inverse=True)
    told = np.concatenate([each.distinctive for each in pairs])
    distinctive = np.bincount(which, told, minlength=len(codes)) > 0
    first, second = np.divmod(codes, max(total, 1))
    points, partners = mine.points[first], theirs.points[second]
    reach = np.where(distinctive, COARSE, np.maximum(_step(points), _step(partners)))
    agree = _agree(points, partners, reach)
    chance = 0.0
    if agree.any() and total > 1:
        others = np.random.default_rng(0).integers(1, total, size=(_DRAWS, len(first)))
        drawn = [theirs.points[(second + each) % total] for each in others]
        chance = float(np.mean([_agree(points, each, reach).sum() for each in drawn]))
    return Met(first, second, agree, chance)


def _agree(a: Points, b: Points, reach: NDArray[np.float64]) -> NDArray[np.bool_]:
    away = np.abs(a - b)
    away[:, 1] = np.minimum(away[:, 1], 360 - away[:, 1])
    # A difference of one unit of the last decimal: one of the two may have been cut, not rounded.
    return np.asarray((away <= reach[:, None] * (1 + 1e-6)).all(axis=1))


def _step(points: Points) -> NDArray[np.float64]:
    """One unit of the last decimal of each place, (N,), no finer than FINE, no coarser than COARSE.

    Both coordinates have to be so short: of six decimals the last two are zeros once in 10,000.
    """
    found = np.full(len(points), FINE)
    for decimals in (4, 3, 2):
        short = (np.abs(points - np.round(points, decimals)) < 1e-9).all(axis=1)
        found[short] = 10.0**-decimals
    return found


@final
@dataclass(frozen=True, slots=True)
class _Keys:
    """Keys of photos: each with the position of its photo."""

    words: list[str]
    owner: Indices


@final
@dataclass(frozen=True, slots=True)
class _Pairs:
    mine: Indices
    theirs: Indices
    distinctive: NDArray[np.bool_]


def _pairs(mine: list[str], theirs: list[str]) -> Iterator[_Pairs]:
    """The pairs that each way of comparing finds, those that change no id aside."""
    yield _paired(_each(mine), _each(theirs))
    bare = _bare(mine), _bare(theirs)
    if bare != (mine, theirs):
        yield _paired(_each(bare[0]), _each(bare[1]))
    ways: tuple[Callable[[list[str]], _Keys], ...] = (_undecorated, _digits, _words)
    for way in ways:
        a, b = way(bare[0]), way(bare[1])
        if (a.words, b.words) != bare:
            yield _paired(a, b)


def _each(words: list[str]) -> _Keys:
    return _Keys(words, np.arange(len(words)))


def _paired(mine: _Keys, theirs: _Keys) -> _Pairs:
    """The photos that have a key in common which few photos of either set have."""
    a, b = _Held.of(mine.words), _Held.of(theirs.words)
    _, one, other = np.intersect1d(a.hashes, b.hashes, assume_unique=True, return_indices=True)
    first, second = [], []
    for here, there in product(range(FEW), range(FEW)):
        both = (a.count[one] > here) & (b.count[other] > there)
        first.append(a.order[a.start[one[both]] + here])
        second.append(b.order[b.start[other[both]] + there])
    at = np.concatenate(first)
    lengths = [_significant(mine.words[position]) for position in at.tolist()]
    distinctive = np.array(lengths, np.intp) >= DISTINCTIVE
    return _Pairs(mine.owner[at], theirs.owner[np.concatenate(second)], distinctive)


@final
@dataclass(frozen=True, slots=True)
class _Held:
    """The words that at most FEW photos hold.

    Args:
        hashes: of each word, (K,): 64 bits of millions of strings are quick to sort.
        start, count: where the positions of its holders are in `order`, and how many, (K,).
        order: positions, (N,).
    """

    hashes: NDArray[np.int64]
    start: Indices
    count: Indices
    order: Indices

    @classmethod
    def of(cls, words: list[str]) -> Self:
        hashes = np.fromiter(map(hash, words), np.int64, len(words))
        order = np.argsort(hashes, kind="stable")
        found, start, count = np.unique(hashes[order], return_index=True, return_counts=True)
        known = (count <= FEW) & (found != hash(""))
        return cls(found[known], start[known], count[known], order)


def _significant(word: str) -> int:
    """How many digits a key has, without the zeros that pad it."""
    return len("".join(filter(digits.__contains__, word)).lstrip("0"))


def _bare(ids: list[str]) -> list[str]:
    """File names without folder and ending."""
    text = "\n".join(ids)
    if "/" not in text and "\\" not in text and "." not in text:
        return ids
    return [_ENDING.sub("", each.replace("\\", "/").rpartition("/")[2]) for each in ids]


def _undecorated(names: list[str]) -> _Keys:
    """Names without what all of them begin and end with, up to a sign between words."""
    if len(names) < 2:
        return _each([])
    first, last = _shared(names), _shared([each[::-1] for each in names])
    if not first and not last:
        return _each(names)
    return _each([each[first : max(len(each) - last, first)] for each in names])


def _shared(names: list[str]) -> int:
    """How long a start, up to a sign between words, all of several names have in common."""
    low, high = min(names), max(names)
    start = "".join(
        a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False))
    )
    return len(start.rstrip(ascii_letters + digits))


_NO_DIGITS = bytes(set(range(256)) - set(b"0123456789\n"))
_NO_WORDS = bytes(
    byte if byte >= 128 or chr(byte).isalnum() or byte == ord("\n") else ord(" ")
    for byte in range(256)
)


def _lines(names: list[str], cleaned: Callable[[bytes], bytes]) -> list[str]:
    """All names cleaned at once, which is a hundred times as fast as one by one."""
    text = "\n".join(names)
    if text.count("\n") != len(names) - 1:
        text = "\n".join(each.replace("\n", " ") for each in names)
    return (
        cleaned(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass").split("\n")
    )


def _digits(names: list[str]) -> _Keys:
    """The digits of each name, one after the other."""
    return _each(_lines(names, lambda text: text.translate(None, _NO_DIGITS)))


def _words(names: list[str]) -> _Keys:
    """The words of each name that hold a digit."""
    words, owner = list[str](), list[int]()
    for position, line in enumerate(_lines(names, lambda text: text.translate(_NO_WORDS))):
        several = line.split()
        for word in several if len(several) < 2 else dict.fromkeys(several):
            if not word.isalpha():
                words.append(word)
                owner.append(position)
    return _Keys(words, np.array(owner, np.intp))
