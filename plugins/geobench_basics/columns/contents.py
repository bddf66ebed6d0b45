"""A file's content as UTF-8 text: unpacked, recoded, or refused with what it is instead."""

import codecs
import io
import mmap
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa

from geobench import DataError

Text: TypeAlias = bytes | mmap.mmap
"""UTF-8, maybe with a byte order mark, and maybe not valid: whoever decodes it has to look."""

_PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}
_ENDINGS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
_RECODED = (
    # The mark of UTF-16 begins that of UTF-32.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FOREIGN = (
    (b"PK\x03\x04", "a zip archive or an Excel sheet", "Unpack it, or save the sheet as CSV."),
    (b"\xd0\xcf\x11\xe0", "an old Excel sheet", "Save it as CSV."),
    (b"\xfd7zXZ", "packed by xz", "Unpack it: unxz FILE"),
    (b"\x04\x22\x4d\x18", "packed by lz4", "Unpack it: unlz4 FILE"),
    (b"PAR1", "a Parquet file packed once more", "Unpack it, and name it .parquet."),
    (b"ARROW1", "an Arrow file", "Save it as Parquet."),
    (b"SQLite format 3", "a database", "Export its table as CSV."),
    (b"\x89HDF", "an HDF5 file", "Save its table as Parquet or CSV."),
    (b"\x89PNG", "a picture", "Name the table that lists the pictures."),
    (b"\xff\xd8\xff", "a picture", "Name the table that lists the pictures."),
    (b"version https://git-lfs", "the pointer of Git LFS to a file", "Fetch it: git lfs pull"),
    (b"%PDF", "a PDF document", "Save its table as CSV."),
    (b"<", "a web page or XML", "Download the file itself: this may be an error page."),
    (b"{", "JSON", "Save it as CSV or Parquet."),
    (b"[{", "JSON", "Save it as CSV or Parquet."),
)
_HEAD = 4096  # bytes that show what a file is
_MANY, _FEW = 0.4, 0.05  # shares of NUL in one half of the bytes of UTF-16, and in the other
_PIECE = 1 << 20
_ALWAYS, _SWELLS = (
    1 << 27,
    200,
)  # bytes that any file may unpack to, and for each of its own


def read_text(path: Path) -> Text:
    """The content of a text file, unpacked if it is packed by gzip, bzip2 or zstd.

    Raises:
        DataError: it is no text.
        OSError, pyarrow.ArrowException: it cannot be read, or its packing is damaged.
    """
    with path.open("rb") as stream:
        head = stream.read(8)
    packing = next((name for mark, name in _PACKED.items() if head.startswith(mark)), None)
    named = _ENDINGS.get(path.suffix.lower())
    if packing is not None:
        text: Text = _unpacked(path, packing)
    elif named is not None:
        raise DataError(
            f"cannot be read: its name says that {named} has packed it, and its content does not",
            where=str(path),
            remedy=f"Take {path.suffix} off its name, or give a Parquet file or a whole one.",
        )
    else:
        text = _mapped(path)
    _refuse_foreign(text, path)
    encoding = _encoding(text[:_HEAD])
    if encoding is None:
        return text
    try:
        return text[:].decode(encoding).encode()
    except UnicodeError as error:
        raise DataError(
            f"begins as {encoding.upper()}, and is damaged: {error.args[-1]}",
            where=str(path),
            remedy="Save it as UTF-8.",
        ) from None


def _unpacked(path: Path, packing: str) -> bytes:
    """The text of a packed file, unless that is a bomb: tables are packed to a hundredth at most.

    Raises:
        DataError: it is.
    """
    most = max(_ALWAYS, _SWELLS * path.stat().st_size)
    text = io.BytesIO()
    with pa.input_stream(str(path), compression=packing) as packed:
        while piece := packed.read(_PIECE):
            if text.write(piece) and text.tell() > most:
                raise DataError(
                    f"is packed by {packing} to less than 1/{_SWELLS} of its text, as no table is",
                    where=str(path),
                    remedy="Unpack it, and look at what is in it.",
                )
    return text.getvalue()


def _mapped(path: Path) -> Text:
    """The file without a copy in memory; read whole where it has no size, as a pipe."""
    with path.open("rb") as stream:
        try:
            return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except (ValueError, OSError):
            return stream.read()


def _refuse_foreign(text: Text, path: Path) -> None:
    bare = text[:_HEAD].removeprefix(codecs.BOM_UTF8).lstrip()
    for mark, what, remedy in _FOREIGN:
        if bare.startswith(mark):
            raise DataError(f"is {what}, no CSV", where=str(path), remedy=remedy)


def _encoding(head: bytes) -> str | None:
    """What a text that is no UTF-8 is encoded as, by its mark or by where its NUL bytes are."""
    for mark, encoding in _RECODED:
        if head.startswith(mark):
            return encoding
    for encoding, first in (("utf-16-be", 0), ("utf-16-le", 1)):
        high, low = head[first::2], head[1 - first :: 2]
        if high.count(0) > _MANY * len(high) and low.count(0) <= _FEW * len(low):
            return encoding
    return None


def invalid_position(text: Text) -> int | None:
    """Where the first byte stands that is no UTF-8, or None."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(text), _PIECE):
        # What an earlier piece left open is decoded along with this one.
        waiting = len(decoder.getstate()[0])
        try:
            decoder.decode(text[start : start + _PIECE], final=start + _PIECE >= len(text))
        except UnicodeDecodeError as error:
            return start - waiting + error.start
    return None
