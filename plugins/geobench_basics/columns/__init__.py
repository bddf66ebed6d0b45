"""CSV and Parquet files as named columns: found by their usual names, read without guessing."""

from geobench_basics.columns.column_file import ColumnFile, Place
from geobench_basics.columns.conversion import (
    as_array,
    as_attribute,
    as_groups,
    as_numbers,
    as_strings,
    as_text,
    meeting_form,
    meeting_forms,
)
from geobench_basics.columns.reading import read_columns
from geobench_basics.columns.roles import (
    ANSWER_ID,
    ANSWER_LAT,
    ANSWER_LON,
    ANSWER_PLACE,
    GROUP,
    ID,
    PART,
    PICTURE,
    TRUE_LAT,
    TRUE_LON,
    TRUE_PLACE,
    PlaceRoles,
    Role,
)

__all__ = [
    "ANSWER_ID",
    "ANSWER_LAT",
    "ANSWER_LON",
    "ANSWER_PLACE",
    "GROUP",
    "ID",
    "PART",
    "PICTURE",
    "TRUE_LAT",
    "TRUE_LON",
    "TRUE_PLACE",
    "ColumnFile",
    "Place",
    "PlaceRoles",
    "Role",
    "as_array",
    "as_attribute",
    "as_groups",
    "as_numbers",
    "as_strings",
    "as_text",
    "meeting_form",
    "meeting_forms",
    "read_columns",
]
