"""The fields of a configuration, held to the table that documents them."""

import re
from fractions import Fraction

import yaml

from geobench import (
    Config,
)


def same(shown: str, default: object) -> bool:
    """Whether a cell of the column `default` is this default; `1/6` stands for a number."""
    if not (written := re.fullmatch(r"`([^`]*)`", shown)):
        return False
    if re.fullmatch(r"\d+/\d+", written[1]):
        return float(Fraction(written[1])) == default
    wanted = list(default) if isinstance(default, tuple) else default
    value = yaml.safe_load(written[1])
    if isinstance(default, Config):
        value = type(default).model_validate(value)
    return value == wanted


def bounds(field) -> set[str]:
    """The numbers that limit a field's value, as text."""
    names = ("ge", "gt", "le", "lt", "multiple_of", "min_length")
    found = [getattr(limit, name, None) for limit in field.metadata for name in names]
    return {f"{bound:g}" for bound in found if bound is not None}


def plain(text: str) -> str:
    """A description without the marks of a sentence."""
    words = " ".join(text.split()).rstrip(".")
    return words[0].lower() + words[1:]


def check_fields(documented: dict[str, dict[str, str]], fields) -> None:
    assert list(documented) == list(fields)
    for name, field in fields.items():
        row = documented[name]
        required = row["default"] == "required"
        assert required == field.is_required(), name
        assert required or same(row["default"], field.default), (name, row["default"])
        choices = getattr(field.annotation, "__args__", ())
        literals = {f"`{choice}`" for choice in choices if isinstance(choice, str)}
        assert literals <= set(re.findall(r"`[^`]+`", row["type"])), name
        assert bounds(field) <= set(re.findall(r"\d+(?:\.\d+)?", row["type"])), name
        if field.description:  # of a benchmark's own keys docstrings say it
            assert plain(row["meaning"]) == plain(field.description), name
