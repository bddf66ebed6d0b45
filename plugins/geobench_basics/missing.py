"""What programs and people write among numbers and dates where there is none."""

WORDS = (
    *("NA", "N/A", "n/a", "na", "#N/A", "<NA>", "null", "NULL", "Null", "None", "none", "NONE"),
    *("nan", "NaN", "NAN", "NaT", "-", "--"),
)


def is_missing(text: str) -> bool:
    """Whether this stands for a number or a date that is not there."""
    bare = text.strip()
    return not bare or bare in WORDS
