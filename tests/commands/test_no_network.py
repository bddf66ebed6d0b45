"""No verb opens a connection: in a process that ends where one is asked for, all of them work."""

import subprocess
import sys

import pytest

from tiny_benchmark import YAML

PROGRAM = """
import sys

def forbid(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        raise SystemExit(f"{event}: {arguments}")

sys.addaudithook(forbid)
"""
VERBS = """
from geobench import cli

def ask(*words):
    sys.argv = ["geobench", *words]
    try:
        cli.main()
    except SystemExit as stop:
        if stop.code:
            raise

ask("list")
ask("run", "tiny.yaml", "--no-figures")
for words in (["report", "--check"], ["verify"]):
    ask(*words, "leaderboards/tiny")
ask("worst", "leaderboards/tiny", "--method", "prior", "--json")
ask("compare", "leaderboards/tiny", "prior", "uniform", "--json")
ask("data", "toy-planet", "--photos", "3")
"""
ENCODER = """
import numpy as np
from geobench.catalogue import installed
from geobench.features.batches import in_batches
from geobench.testing.subject import Subject

encoder = Subject(installed().find("encoder", "open-clip")).make()
picture = encoder.prepare(np.zeros((40, 40, 3), np.uint8))
assert in_batches(encoder, [picture[None]], tokens=False).pooled.shape[0] == 1
"""


def done(code, folder):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM + code], cwd=folder, capture_output=True, text=True
    )


def test_no_verb_asks_for_the_network(tmp_path):
    (tmp_path / "tiny.yaml").write_text(YAML.replace("120", "60"))
    ended = done(VERBS, tmp_path)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert "socket" not in ended.stderr


@pytest.mark.slow
def test_an_encoder_with_weights_asks_for_none_either(tmp_path):
    ended = done(ENCODER, tmp_path)
    assert ended.returncode == 0, ended.stderr[-2000:]


@pytest.mark.parametrize(
    "code",
    [
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9')",
        "import socket; socket.getaddrinfo('localhost', 80)",
    ],
)
def test_whoever_asks_for_it_ends(code, tmp_path):
    assert "socket." in done(code, tmp_path).stderr
