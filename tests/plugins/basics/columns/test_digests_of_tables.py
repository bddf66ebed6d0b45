"""Digests of tables stay: they are in the keys of all that was ever trained or answered."""

import pyarrow as pa
import pyarrow.parquet
import pytest

from geobench_basics.datasets.table import TableDataset
from geobench_basics.datasets.table_config import TableConfig

# Digests by the reader of November 2026, which read these as they are meant.
TEXTS = {
    "plain.csv": ("id,lat,lon\n007,1.5,-2\n12e4,-3.25,179.5\n", "7f7ac470b9b9b9ec"),
    "crlf.csv": ("IMG_ID,LAT,LON\r\na,1,2\r\nb,3,4\r\n", "1453341056cdb117"),
    "roles.csv": (
        "id,lat,lon,AUTHOR,Split\na,1,2,x@N00,train\nb,1,2,,test\nc,1,2,nan,\n",
        "5629dea29d372237",
    ),
    "numbers.csv": (
        "id,lat,lon,whole,real,zero,big,none\na,1,2,3,0.5,01,9007199254740993,\nb,3,4,-4,,02,1,\n",
        "adc7a1c4ef93015a",
    ),
    "quoted.csv": (
        '"id","lat","lon","title"\n"a","1","2","x, y"\n"b","3","4","6"" wide"\n"c","5","6",""\n',
        "027c1f947735cdf3",
    ),
    "lines.csv": (
        'id,title,lat,lon\na,"first\nsecond, third",1,2\nb,"x\r\n\r\ny",3,4\n',
        "2bb7fb6ab0bbdba6",
    ),
    "tabs.tsv": ("id\tlat\tlon\tnote\na\t1\t2\ta b, c\nb\t3\t4\t\n", "6fc1a6b80411e14c"),
    "quoted.tsv": (
        'id\tlat\tlon\tnote\n"a"\t"1"\t"2"\t"x ""y"""\n"b"\t3\t4\tz\n',
        "97e67b029fa5e6c9",
    ),
    "bom.csv": ("\ufeffid,lat,lon,größe\nä,1,2,é\n", "8d449a6267e60085"),
    "index.csv": (",id,lat,lon\n0,a,1,2\n1,b,3,4\n", "1453341056cdb117"),
    "blank.csv": ("id,lat,lon,country\n\na,1,2,NA\n\nb,3,4,N/A\n", "9b46c912c559ad04"),
    "both.csv": ("id,lat,lon,pred_lat,pred_lon\na,1,2,3,4\n", "5f4beeb05940187f"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_was_read_as_it_is_meant_keeps_its_digest(tmp_path, name):
    text, digest = TEXTS[name]
    (tmp_path / name).write_bytes(text.encode())
    assert TableDataset(TableConfig(file=tmp_path / name)).digest[:16] == digest


def test_a_parquet_file_keeps_its_digest(tmp_path):
    content = pa.table(
        {
            "id": ["a", "b"],
            "lat": [1.0, 2.0],
            "lon": pa.array([3, 4], pa.float32()),
            "when": pa.array([0, 86400], pa.timestamp("s")),
            "day": pa.array([1, 2], pa.date32()),
            "flag": [True, None],
            "n": pa.array([1, None], pa.int16()),
            "text": pa.array([b"x", b"y"]),
            "kind": pa.array(["u", "v"]).dictionary_encode(),
            "price": pa.array([1, 2], pa.decimal128(5, 2)),
            "list": [[1], [2]],
        }
    )
    pyarrow.parquet.write_table(content, tmp_path / "photos.parquet")
    dataset = TableDataset(TableConfig(file=tmp_path / "photos.parquet"))
    assert dataset.digest[:16] == "0a7ec2329c9bce91"
