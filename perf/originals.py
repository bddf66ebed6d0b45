"""How long a folder of camera originals takes to encode, and what of it is dropped.

    python perf/originals.py                    # 128 originals, those of HEIC among them
    python perf/originals.py --photos 16

The originals are made up: structure and noise at the sizes of today's cameras, with EXIF, one in
eight as HEIC where pillow-heif is installed; a few of them are cut short or without a place, and
thumbnails lie beside them.
"""

import argparse
import json
import logging
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

log = logging.getLogger("originals")

SIZES = ((4032, 3024), (4608, 3456), (4000, 3000))
_HEIC_EVERY = 8
_CUT = 100_000  # bytes that a damaged one lacks
_FAST = {"enc_params": {"preset": "ultrafast"}}  # of writing; reading takes as long
_YAML = """\
benchmarks:
  - name: originals
    dataset: {name: folder, root: originals}
    splits: [random]
    methods: [im2gps, prior]
    metrics: [distance]
    encoder: im2gps
"""


def exif_of(index: int) -> Image.Exif:
    """The EXIF of an original: place, date, camera, and how it was held."""
    exif = Image.Exif()
    exif[0x8825] = {
        1: "N",
        2: (40.0 + index % 9, float(index % 60), 30.0),
        3: "E",
        4: (2.0 + index // 16, float(index * 7 % 60), 0.0),
    }
    exif[0x010F], exif[0x0110] = "Acme", f"Acme {index % 3}"
    exif[0x0112] = (1, 6, 8)[index % 3]
    exif[0x0132] = f"{2014 + index % 8}:04:{index % 28 + 1:02d} 15:47:53"
    return exif


def original(index: int) -> Image.Image:
    """A picture as a camera makes it: something at every scale, and noise."""
    rng = np.random.default_rng(index)
    width, height = SIZES[index % len(SIZES)]
    coarse = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    tile = rng.integers(-10, 11, (height // 4, width // 4, 1), dtype=np.int16)
    noise = np.tile(tile, (4, 4, 1))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


def write(folder: Path, photos: int) -> list[str]:
    """Write the originals; returns the names of those that have to be dropped."""
    (folder / ".thumbnails").mkdir(parents=True)
    heic = _heic()
    dropped = []
    for index in range(photos):
        picture, exif = original(index), exif_of(index)
        if heic and index % _HEIC_EVERY == 3:
            path = folder / f"IMG_{index:04d}.HEIC"
            picture.save(path, format="HEIF", quality=60, exif=exif.tobytes(), **_FAST)
            continue
        path = folder / f"DSC_{index:04d}.JPG"
        placeless = index % 32 == 9
        picture.save(path, quality=88, exif=Image.Exif() if placeless else exif)
        if index % 32 == 17:
            path.write_bytes(path.read_bytes()[:-_CUT])
        if placeless or index % 32 == 17:
            dropped.append(path.name)
        picture.resize((160, 120)).save(folder / ".thumbnails" / path.name, exif=exif)
    return dropped


def _heic() -> bool:
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def main() -> None:
    """Make the folder, run, and say how long encoding took."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=128)
    with tempfile.TemporaryDirectory() as scratch:
        workspace = Path(scratch)
        folder = workspace / "originals"
        photos = parser.parse_args().photos
        dropped = write(folder, photos)
        (workspace / "b.yaml").write_text(_YAML, encoding="utf-8")
        size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
        log.info("%d photos, %.0f MB", photos, size / 1e6)
        geobench = [sys.executable, "-m", "geobench.cli", "run", "b.yaml"]
        begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(geobench, cwd=workspace, capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        seconds = time.perf_counter() - begin
        log.info("run: %.1f s on the clock, %.1f s of processors", seconds, used)
        times = [float(_seconds(path)) for path in workspace.rglob("time.json")]
        log.info("of which encoding: %.1f s on the clock", sum(times))
        said = "".join((done.stdout + done.stderr).split())
        counts = {name: said.count(name) for name in dropped}
        log.info(
            "dropped %d photos, named so many times each: %s", len(dropped), set(counts.values())
        )
        if done.returncode:
            sys.exit(done.stdout + done.stderr)


def _seconds(path: Path) -> float:
    return float(json.loads(path.read_text(encoding="utf-8"))["seconds"])


if __name__ == "__main__":
    main()
