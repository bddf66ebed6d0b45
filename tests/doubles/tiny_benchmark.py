"""A file of one tiny benchmark, the columns of its table, and how its files are tampered with."""

YAML = """\
benchmarks:
  - name: tiny
    dataset: {name: toy-planet, photos: 120}
    encoder: given
    splits: [random]
    methods:
      - uniform
      - prior
      - toy-oracle
      - {name: prior, label: NA, point: median}
      - {name: prior, label: "12", point: densest}
    metrics: [distance, accuracy, geoscore, nll]
    samples: 2
    photos: 10
"""


COLUMNS = [
    "benchmark",
    "part",
    "slice",
    "average",
    "label",
    "method",
    "summary",
    "unit",
    "better",
    "value",
    "low",
    "high",
    "seed_sd",
    "seeds",
    "photos",
    "not_applicable",
    "answered",
    "effective_units",
    "rank_low",
    "rank_high",
    "status",
    "note",
]


def rewritten(path, change):
    text = path.read_text()
    changed = change(text)
    assert changed != text
    path.write_text(changed)
