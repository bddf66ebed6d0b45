"""What pydantic finds wrong with what is written -> one sentence, and the way to the value."""

import re
from collections.abc import Mapping as Lookup
from collections.abc import Sequence as Keys
from typing import Any, NamedTuple, TypeAlias, final

from pydantic import BaseModel, ValidationError

from geobench.config.origins import Way
from geobench.errors import storable
from geobench.names import did_you_mean

_SHOWN = 100  # characters of a value in a message
_LONGEST = 500  # characters of a problem, of which a plugin's own check may show the value, too

_Found: TypeAlias = Lookup[str, Any]  # an item of ValidationError.errors()


@final
class Fault(NamedTuple):
    """One thing that is wrong.

    Args:
        problem: what is wrong, a sentence without its full stop.
        remedy: the nearest valid key, or what else to write; "" if the problem says it.
        way: to the value, as far as it is written: what a preset or a default says is not.
    """

    problem: str
    remedy: str
    way: Way


def first_fault(
    error: ValidationError,
    written: _Found,
    *,
    model: type[BaseModel],
    what: str,
    reserved: Keys[str] = (),
) -> Fault:
    """The fault to tell first: a key that there is not, which others may come of.

    Args:
        error: what pydantic raised.
        written: what was given.
        model: what it should be.
        what: the model is of, as in "split random".
        reserved: keys that may be written beside those of the model.
    """
    faults: list[_Found] = [dict(fault) for fault in error.errors(include_url=False)]
    unknown = [fault for fault in faults if fault["type"] == "extra_forbidden"]
    first = (unknown or faults)[0]
    loc, way = first["loc"], _way(written, first["loc"])
    if unknown:
        for step in loc[:-1]:
            model = _inner(model, step)
        known = [*sorted(model.model_fields), *reserved]
        problem = f"{what} has no key {storable(repr(loc[-1]), _SHOWN)}"
        return Fault(problem, did_you_mean(loc[-1], known), way)
    if first["type"] == "missing":
        lacking = [fault["loc"][-1] for fault in faults if _lacks(fault, loc[:-1])]
        keys = f"key{'s' if len(lacking) > 1 else ''} {' and '.join(map(repr, lacking))}"
        return Fault(f"{what} lacks the {keys}", "", way)
    # The members of a union fail one by one, at the same place.
    same = [
        each for each in faults if each["loc"][:1] == loc[:1] and _way(written, each["loc"]) == way
    ]
    problem, remedy = _explained(first, same)
    path = ".".join(step for step in way if isinstance(step, str)) or ".".join(map(str, loc[:1]))
    return Fault(f"{path}: {problem}" if path else problem, remedy, way)


def _way(written: Any, loc: Way) -> Way:
    """The steps of a location that are written; pydantic names members of unions, too."""
    way: list[str | int] = []
    for step in loc:
        inside = isinstance(written, dict) and step in written
        if inside or (isinstance(written, list) and isinstance(step, int) and step < len(written)):
            written = written[step]
            way.append(step)
    return tuple(way)


def _lacks(fault: _Found, holder: Way) -> bool:
    return bool(fault["type"] == "missing" and fault["loc"][:-1] == holder)


def _explained(fault: _Found, same: list[_Found]) -> tuple[str, str]:
    """Problem and remedy of a value that does not fit."""
    texts = [each["msg"].removeprefix("Value error, ") for each in same]
    text = " or ".join([texts[0], *(t.removeprefix("Input should be ") for t in texts[1:])])
    text = re.sub(r", unable to parse \w+ as an? \w+", "", text)
    text = re.sub(r"a valid dictionary( or instance of \w+)?", "a mapping", text)
    text = text[0].lower() + text[1:] if not text[:2].isupper() else text
    if isinstance(fault["input"], str | int | float | None) and text.startswith("input"):
        text += f", not {_shown(fault['input'])}"
    problem, _, remedy = text.partition(". ")
    return storable(problem, _LONGEST), storable(remedy, _LONGEST)


def _shown(value: str | int | float | None) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, int) and abs(value) > 10**_SHOWN:  # Python writes no more of its digits
        return f"a whole number of over {_SHOWN} digits"
    return storable(repr(value), _SHOWN)


def _inner(model: type[BaseModel], step: Any) -> type[BaseModel]:
    """The model of a field, where a model is in its type."""
    if isinstance(step, int) or step not in model.model_fields:
        return model
    stack: list[Any] = [model.model_fields[step].annotation]
    while stack:
        kind = stack.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
        stack.extend(getattr(kind, "__args__", ()))
    return model
