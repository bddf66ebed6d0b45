"""Documents: JSON files with known fields, read as typed models and written as they were made."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from geobench.data import Fact
from geobench.errors import StoreError, storable
from geobench.records.files import ANEW, STAMP, read_json

LAYOUT = 7
"""Version of the layout of records and of benchmark.json. It is raised when a field is added, too:
documents are closed, and one with a field that is not known here counts as damaged. Layout 4 shows
fields that keys leave out; layout 5 says of how few draws a record is; layout 6 what a method
declines and says along, what of a dataset was dropped, and its title; layout 7 lets a record leave
out what it was made with, and says which trainings ran in a process of their own, and how much
memory they might take."""
OLDEST_LAYOUT = 3
"""The oldest layout that is read."""


class Document(BaseModel):
    """A JSON object with known fields: closed, frozen, and with the data that it was made of.

    A field that is absent is None. What is written, and what digests are taken of, is `data`: in a
    dump of the model a number may be of another type, and what is absent would be null.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    _data: dict[str, Any] = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _keep(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        made = handler(value)
        if made is not value:
            made._data = _plain(value)
        return made

    @property
    def data(self) -> dict[str, Any]:
        """The JSON data that it was made of, in their order; not to be changed."""
        return self._data

    @classmethod
    def of(cls, data: Mapping[str, Any], where: Path) -> Self:
        """The document that JSON data of a file are.

        Args:
            data: the file's object, without its stamp.
            where: the file.

        Raises:
            StoreError: they are not; names the file and the field.
        """
        try:
            return cls.model_validate(dict(data))
        except ValidationError as error:
            raise StoreError(_fault(error, data), where=str(where), remedy=ANEW) from None

    @classmethod
    def read(cls, path: Path) -> Self:
        """The document in a file.

        Raises:
            StoreError: the file is missing or damaged; names the field.
        """
        return cls.of(read_json(path), path)

    def changed(self, **fields: Any) -> Self:
        """The same document with other values in some fields.

        Raises:
            ValidationError: of another kind than the fields are.
        """
        return self.model_validate({**self.data, **fields})


class Versioned(Document):
    """A document that says which layout it is of; of older ones fields are absent."""

    layout: int = Field(
        alias="schema",
        description=f"version of this layout, {LAYOUT}; layout {OLDEST_LAYOUT} is read, too, and a "
        "newer one is refused",
    )

    @classmethod
    def of(cls, data: Mapping[str, Any], where: Path) -> Self:
        """The document that JSON data of a file are.

        Args:
            data: the file's object, with its stamp or without.
            where: the file.

        Raises:
            StoreError: they are not, or they are of a layout that is not read here.
        """
        check_layout(data, where)
        return super().of({name: value for name, value in data.items() if name != STAMP}, where)


def check_layout(data: Mapping[str, Any], where: Path) -> None:
    """Raise StoreError if a record or benchmark.json is of a layout that is not read here."""
    found = data.get("schema")
    if not isinstance(found, int) or isinstance(found, bool) or found < OLDEST_LAYOUT:
        told = storable(str(found), 40)
        raise StoreError(
            f"is of layout {told}, and {OLDEST_LAYOUT} is the oldest that is read",
            where=str(where),
            remedy=ANEW,
        )
    if found > LAYOUT:
        raise StoreError(
            f"is of layout {found}, and {LAYOUT} is the newest that is read here",
            where=str(where),
            remedy="It was made by a newer geobench: install that.",
        )


def refuse_newer(path: Path) -> None:
    """Raise StoreError if a record.json or benchmark.json was made by a newer geobench.

    Such a file is not damaged, and no run may write over it. One that cannot be read at all may.
    """
    try:
        found = read_json(path).get("schema") if path.exists() else None
    except StoreError:
        return
    if isinstance(found, int) and not isinstance(found, bool) and found > LAYOUT:
        check_layout({"schema": found}, path)


def _stored_fact(value: Any) -> Fact:
    match value:
        case Fact():
            return value
        case [bool(), _]:
            pass
        case [int() | float() as number, str() as unit]:
            return Fact(number, unit)
    raise ValueError("a fact is a list of its value and its unit")


def plain_name(name: str) -> str:
    """The name of one file or folder, if it is one; else ValueError."""
    if not _NAME.fullmatch(name) or len(name.encode()) > _LONGEST_NAME:
        raise ValueError("it is no name of a file or folder")
    return name


_NAME = re.compile(r"(?!\.)[^/\\:\0-\x1f\x7f]+")
_LONGEST_NAME = 255

FileName: TypeAlias = Annotated[str, AfterValidator(plain_name)]
"""The name of one file or folder, without the way to it. Boards come from strangers: what could
lead out of a board is no name."""

Count: TypeAlias = Annotated[int, Field(ge=0, le=2**53)]
"""How many there are of something; arrays and floats hold it."""


Facts: TypeAlias = dict[str, Annotated[Fact, BeforeValidator(_stored_fact)]]
"""Name -> fact, in JSON `[value, unit]`."""


def _plain(value: Any) -> Any:
    """JSON data without the documents and facts that stand in them."""
    if isinstance(value, Document):
        return _plain(value.data)
    if isinstance(value, Fact):
        return [value.value, value.unit]
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


_LONGEST = 300
"""Letters of a field's name, and of what is wrong with it, that are said."""


def _fault(error: ValidationError, data: Any) -> str:
    """The first fault of JSON data, in a clause that names the field."""
    fault = error.errors(include_url=False)[0]
    steps, found = list[str](), data
    for step in fault["loc"]:
        inside = isinstance(found, Mapping) and step in found
        inside |= isinstance(found, list) and isinstance(step, int) and step < len(found)
        if not (inside or fault["type"] == "missing"):
            continue  # a step of pydantic's own, to one of several types
        steps.append(f"[{step}]" if isinstance(step, int) else f".{step}")
        found = found[step] if inside else None
    field = storable("".join(steps).removeprefix("."), _LONGEST)
    if fault["type"] == "missing":
        return f"lacks the field {field}"
    if fault["type"] == "extra_forbidden":
        return f"has a field {field}, which is not known"
    text = storable(fault["msg"].removeprefix("Value error, "), _LONGEST)
    # What concerns several fields is said of none.
    return f"has a wrong {field}: {text[0].lower()}{text[1:]}" if field else text
