"""Boards as strangers or bad disks make them: one of many faults each, drawn by a seed."""

import json
import os
import random
import shutil

import numpy as np

from geobench.digests import digest
from geobench.records import files

NO_NUMBER, ENDLESS = "@NaN@", "@deep@"
JUNK = [
    *(None, True, -1, 10**30, 1e308, NO_NUMBER, ENDLESS, "", "\ud800x", "..", "../../out", "/etc"),
    *("C:\\x", "a\0b", "x" * 5000, "<b>|", [], {}, [None], [{"a": 1}], {"": ""}, [1.5] * 20_000),
]


def spelt(data):
    text = json.dumps(data, indent=1)
    return text.replace(f'"{NO_NUMBER}"', "NaN").replace(
        f'"{ENDLESS}"', "[" * 100_000 + "]" * 100_000
    )


def ways(data, at=()):
    """The way to every place in JSON data; of long lists the first ones."""
    if at:
        yield at
    pairs = data.items() if isinstance(data, dict) else enumerate(data[:6])
    for key, value in pairs:
        if isinstance(value, dict | list):
            yield from ways(value, (*at, key))
        else:
            yield (*at, key)


def json_changed(rng, path):
    data = json.loads(path.read_text())
    stamped = data.pop("sha256", None) is not None
    *way, last = rng.choice(list(ways(data)))
    place = data
    for step in way:
        place = place[step]
    how = rng.choice(["lost", "wrapped", "more", *["junk"] * 6])
    match how:
        case "lost":
            del place[last]
        case "wrapped":
            place[last] = [place[last]]
        case "more":
            data["more"] = 1
        case "junk":
            place[last] = rng.choice(JUNK)
            how = f"{str(place[last])[:20]!r}"
    text = spelt(data)
    if stamped and rng.random() < 0.8:  # by someone who knows how
        text = spelt({**data, "sha256": digest(json.loads(json.dumps(data)))})
    path.write_text(text, errors="surrogatepass")
    return f"{'.'.join(map(str, (*way, last)))} {how}"


def array_changed(rng, path):
    arrays = files.read_arrays(path)
    name = rng.choice(sorted(arrays))
    was = arrays[name]
    changes = {
        "lost": None,
        "single": was.reshape(-1)[0],
        "empty": was[:0],
        "longer": np.concatenate([was, was[:1]]),
        "shorter": was[:-1],
        "wider": was[None],
        "text": np.full(was.shape, "x"),
        "numbers": np.full(was.shape, 7),
        "NaN": np.full(was.shape, np.nan),
        "infinite": np.full(was.shape, -np.inf),
        "far": np.full(was.shape, 1e300),
        "object": np.array([{}], dtype=object),
    }
    how = rng.choice(list(changes))
    arrays[name] = changes[how]
    if how == "lost":
        del arrays[name]
    if how == "object":
        np.savez_compressed(path, **arrays)
    else:
        files.write_arrays(path, arrays)  # by someone who knows how
    return f"{name} {how}"


def table_changed(rng, path):
    lines = path.read_text().splitlines()
    row = rng.randrange(len(lines))
    cells = lines[row].split(",")
    column = rng.randrange(len(cells))
    cells[column] = rng.choice(
        [
            "x",
            "nan",
            "1e999",
            "9" * 5000,
            "y" * 200_000,
            "\0",
            '"',
            "1,2",
            "\N{ARABIC-INDIC DIGIT THREE}",
        ]
    )
    lines[row] = ",".join(cells[: rng.choice([len(cells), len(cells) - 1])])
    encoding = rng.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"])
    path.write_text("\n".join(lines), encoding)
    return f"{row}, {column}, {cells[column][:10]!r}, {encoding}"


def replaced(rng, path):
    content = path.read_bytes()
    path.unlink()
    how = rng.choice(
        ["gone", "folder", "outside", "device", "pipe", "empty", "cut", "flip", "huge"]
    )
    match how:
        case "folder":
            path.mkdir()
        case "outside":
            path.symlink_to(path.parents[len(path.parts) - 2] / "etc" / "hostname")
        case "device":
            path.symlink_to("/dev/zero")
        case "pipe":
            os.mkfifo(path)
        case "empty":
            path.touch()
        case "cut":
            path.write_bytes(content[: rng.randrange(len(content))])
        case "flip":
            flipped = bytearray(content)
            flipped[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            path.write_bytes(flipped)
        case "huge":
            with path.open("wb") as stream:
                stream.truncate(1 << 40)
    return how


def folder_changed(rng, board, outside):
    inside = [
        board / "runs",
        board / "figures",
        *(p for p in board.rglob("runs/**/*") if p.is_dir()),
    ]
    path = rng.choice(sorted(inside))
    if not path.exists():
        return "none"
    shutil.move(path, outside / "moved")
    how = rng.choice(["gone", "file", "linked"])
    if how == "file":
        path.touch()
    if how == "linked":
        path.symlink_to(outside / "moved")
    return f"{path.name} {how}"


def mutate(board, seed, outside):
    """Change one thing of a board; what, in words. Some other files may lie in `outside` then."""
    rng = random.Random(seed)
    there = sorted(path for path in board.rglob("*") if path.is_file())
    kind = rng.choice(
        [*["manifest"] * 4, "record", "record", *["arrays"] * 3, "table", "file", "file", "folder"]
    )
    if kind == "folder":
        return f"folder {folder_changed(rng, board, outside)}"
    wanted = {
        "manifest": "benchmark.json",
        "record": "record.json",
        "arrays": ".npz",
        "table": ".csv",
        "file": "",
    }[kind]
    path = rng.choice([each for each in there if each.name.endswith(wanted)])
    change = {
        "manifest": json_changed,
        "record": json_changed,
        "arrays": array_changed,
        "table": table_changed,
        "file": replaced,
    }[kind]
    return f"{path.name} {change(rng, path)}"
