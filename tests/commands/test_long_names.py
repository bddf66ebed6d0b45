"""Long labels, parts and benchmarks: from a run to its pictures, by every verb."""

import json
from pathlib import Path

A, B = "a" * 250, "b" * 250
NAME = "-".join(["long"] * 60)
YAML = f"""\
benchmarks:
  - name: {NAME}
    dataset: {{name: toy-planet, photos: 90}}
    splits: [{{name: random, label: {"s" * 230}}}, {{name: random, label: {"s" * 229}t, seed: 1}}]
    methods: [{{name: uniform, label: {A}}}, {{name: prior, label: {B}}}]
    metrics: [distance, geoscore]
"""


def test_names_longer_than_a_file_system_takes_go_through_every_verb(ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("long.yaml").write_text(YAML)
    answer = ask("run", "long.yaml")
    assert (answer.code, answer.err) == (0, "")
    (board,) = Path("leaderboards").iterdir()
    assert json.loads((board / "benchmark.json").read_text())["benchmark"]["name"] == NAME
    assert len(list((board / "runs").glob("*/*/record.json"))) == 4
    pictures = [path.name for path in (board / "figures").iterdir()]
    assert len([name for name in pictures if name.startswith("errors-sss")]) == 2
    for words in (["verify"], ["report"], ["report", "--check"]):
        assert ask(*words, NAME).code == 0, words
    assert "nothing has changed" in ask("run", "long.yaml").out
    for words in (["compare", NAME, A, B], ["worst", NAME, "-m", A]):
        assert ask(*words).code == 0, words
    assert len(list(Path().glob("compare-*.png"))) == len(list(Path().glob("worst-*.png"))) == 2


def test_a_long_name_that_there_is_not_is_a_sentence(ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = ask("report", "x" * 5000)
    assert answer.code == 2
    assert "there is no benchmark.json. `geobench run` makes leaderboards." in answer.err
