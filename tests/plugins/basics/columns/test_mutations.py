"""Tables, answers and dates whose bytes were changed at random: a result, or one sentence."""

import datetime
import gzip
import io
import time
import uuid
from contextlib import suppress

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geobench import GeobenchError
from geobench_basics.columns import read_columns
from geobench_basics.datasets.table import TableDataset
from geobench_basics.datasets.table_config import TableConfig
from geobench_basics.methods.answers import read_answers
from geobench_basics.splits.temporal import TemporalConfig, TemporalSplit

TITLES = ["plain", 'say "hi"', "a, b", "x\ny", "ä é", "", '12" wide']
WHEN = ["2012-01-02", "2012:03:04 05:06:07", "NA", "1262304000"]
ROWS = [
    (f"p{n:03d}", f"{n * 1.5 - 20:.3f}", f"{n * 7 - 100:.2f}", TITLES[n % 7], WHEN[n % 4])
    for n in range(24)
]


def text(delimiter, *, quoted=True, end="\n"):
    lines = []
    for row in [("id", "lat", "lon", "title", "when"), *ROWS]:
        values = [value if quoted else value.replace("\n", " ") for value in row]
        if quoted:
            values = ['"' + v.replace('"', '""') + '"' if set(v) & set('",;\n') else v for v in row]
        lines.append(delimiter.join(values))
    return end.join(lines) + end


def parquet(compression):
    columns = {
        "id": [row[0] for row in ROWS],
        "lat": [float(row[1]) for row in ROWS],
        "lon": [float(row[2]) for row in ROWS],
        "when": pa.array([row[4] for row in ROWS]).dictionary_encode(),
        "osm": pa.array([2**60 + n if n % 5 else None for n in range(len(ROWS))], pa.int64()),
        "tweet": pa.array([2**63 + n if n % 7 else None for n in range(len(ROWS))], pa.uint64()),
        "single": pa.array([float("inf") if n == 3 else n for n in range(len(ROWS))], pa.float32()),
        "binary": [b"\xff"] * len(ROWS),
        "time": [datetime.datetime(2020, 1, 1)] * len(ROWS),
        "uuid": pa.array([uuid.UUID(int=n).bytes for n in range(len(ROWS))], pa.uuid()),
        "list": [[1]] * len(ROWS),
    }
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(columns), stream, compression=compression)
    return stream.getvalue()


FILES = [
    ("a.csv", text(",").encode()),
    ("a.csv", ("\ufeff# made\n\n" + text(",", end="\r\n")).encode()),
    ("a.csv", text(",").encode("utf-16")),
    ("a.csv", ("sep=;\n" + text(";") + "(24 rows)\n").encode()),
    ("a.tsv", text("\t", quoted=False).encode()),
    ("a.tsv", text("\t").encode()),
    ("a.csv.gz", gzip.compress(text(",").encode())),
    ("a.parquet", parquet("none")),
    ("a.parquet", parquet("zstd")),
]
PIECES = [
    *[b'"', b'""', b",", b"\n", b"\r", b"\r\n", b"\0", b"\t", b";", b"#", b"|", b" ", b"\\"],
    *[b"\xff", b"\xe9", b"\xef\xbb\xbf", b"\xff\xfe", b"NA", b"nan", b"inf", b"-", b"1e999"],
    *[b"9" * 400, b"x" * 3000, b'"\n', b'\n"', b",,", b"\n\n", b"sep=,\n", b"# x\n", b"PAR1"],
    *["\u0301".encode(), "\u2028".encode(), b"\x1a", b"\x85", b"\x0b", b"\x1f\x8b", b"(2 rows)\n"],
]
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["insert", "insert", "delete", "repeat", "overwrite", "cut", "byte"]),
        st.floats(0, 1, exclude_max=True),
        st.sampled_from([1, 1, 2, 5, 20, 200]),
        st.sampled_from(PIECES),
    ),
    min_size=1,
    max_size=6,
)


def changed(content, changes):
    found = bytearray(content)
    for kind, place, size, piece in changes:
        start = int(place * (len(found) + 1))
        end = min(len(found), start + size)
        if kind == "insert":
            found[start:start] = piece
        elif kind == "delete":
            del found[start:end]
        elif kind == "repeat":
            found[start:start] = found[start:end]
        elif kind == "overwrite":
            found[start:end] = piece
        elif kind == "byte" and start < len(found):
            found[start] ^= size
        elif kind == "cut" and place > 0.8:
            del found[start:]
    return bytes(found)


def temporal(file):
    split = TemporalSplit(TemporalConfig(attribute="when"))
    return split.assign(TableDataset(TableConfig(file=file)))


def table(file):
    return TableDataset(TableConfig(file=file)).digest


def check(folder, named, changes):
    name, content = named
    file = folder / name
    file.write_bytes(changed(content, changes))
    for read in (read_columns, table, read_answers, temporal):
        started = time.process_time()
        with suppress(GeobenchError):
            read(file)
        assert time.process_time() - started < 5


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(named=st.sampled_from(FILES), changes=CHANGES)
def test_changed_bytes_are_a_result_or_a_sentence(tmp_path_factory, named, changes):
    check(tmp_path_factory.getbasetemp(), named, changes)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(named=st.sampled_from(FILES), changes=CHANGES)
def test_ten_thousand_changes_are_results_or_sentences(tmp_path_factory, named, changes):
    check(tmp_path_factory.getbasetemp(), named, changes)


@pytest.mark.parametrize("named", FILES, ids=lambda named: named[0])
def test_the_files_that_are_changed_are_good_before(tmp_path, named):
    file = tmp_path / named[0]
    file.write_bytes(named[1])
    assert len(TableDataset(TableConfig(file=file)).table) == len(ROWS)
    assert read_answers(file).ids.tolist() == [row[0] for row in ROWS]
