"""The fields of configurations and of documents, held to the tables that document them."""

import re
from fractions import Fraction
from typing import get_args, get_origin

import yaml

from geobench import (
    Config,
)
from geobench.records.documents import Document


def same(shown, default):
    """Whether a cell of the column `default` is this default; `1/6` stands for a number."""
    if not (written := re.fullmatch(r"`([^`]*)`", shown)):
        return False
    if re.fullmatch(r"\d+/\d+", written[1]):
        return float(Fraction(written[1])) == default
    wanted = list(default) if isinstance(default, tuple) else default
    value = yaml.safe_load(written[1])
    if isinstance(default, Config):
        value = type(default).model_validate(value)
    if hasattr(default, "settings"):  # a component by its name
        wanted = {"name": default.name, **default.settings} if default.settings else default.name
    return value == wanted


def bounds(field):
    """The numbers that limit a field's value, as text."""
    names = ("ge", "gt", "le", "lt", "multiple_of", "min_length")
    found = [getattr(limit, name, None) for limit in field.metadata for name in names]
    return {f"{bound:g}" for bound in found if bound is not None}


def plain(text):
    """A description without the marks of a sentence, and without links."""
    words = " ".join(re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text).split()).rstrip(".")
    return words[0].lower() + words[1:]


def check_fields(documented, fields):
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


def fields_of(document, shown, above=""):
    """Every field of a document -> its description: `parts.*.folder`, `rows[].label`.

    A document inside is shown field by field where it first appears, elsewhere by its description
    alone.

    Args:
        document: the model.
        shown: the documents that are shown already, to which these are added.
        above: the way to it.
    """
    shown.add(document)
    found = {}
    for name, field in document.model_fields.items():
        path = f"{above}{field.alias or name}"
        if field.description:
            found[path] = field.description
        inner, steps = _inside(field.annotation)
        if inner is None:
            assert field.description, f"{document.__name__}.{name} says nothing"
        elif inner not in shown:
            found |= fields_of(inner, shown, f"{path}{steps}.")
        else:
            assert field.description, f"{document.__name__}.{name} says nothing"
    return found


def _inside(annotation):
    """The document in a type, and the steps to it: `.*` of a mapping, `[]` of a list."""
    if isinstance(annotation, type) and issubclass(annotation, Document):
        return annotation, ""
    step = {dict: ".*", list: "[]"}.get(get_origin(annotation), "")
    for argument in get_args(annotation):
        inner, steps = _inside(argument)
        if inner is not None:
            return inner, step + steps
    return None, ""
