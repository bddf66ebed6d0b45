"""`open-clip` against open_clip's own functions, and what it says where weights are not there."""

import json
import pickle
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from geobench import ConfigError, DataError, PluginError
from geobench_backbones import made_up
from geobench_backbones.clip import OpenClip, OpenClipConfig
from geobench_geoclip.release import FEATURES

WEIGHTS = "open_clip_model.safetensors"
REPOSITORY = "timm/resnet50_clip.openai"
SMALLEST = OpenClipConfig(model="RN50")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip") / "saved"
    made_up.write(folder)
    return folder


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def of_folder(folder):
    return OpenClip(OpenClipConfig(model=None, pretrained=None, checkpoint=folder))


def pictures():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (h, w, 3)).astype(np.uint8) for h, w in ((40, 60), (33, 32))]


def encoded(encoder):
    return encoder.encode(np.stack([encoder.prepare(p) for p in pictures()]), tokens=False).pooled


def test_pictures_become_what_open_clip_makes_of_them(saved):
    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{saved}")
    batch = torch.stack([preprocess(Image.fromarray(p)) for p in pictures()])
    with torch.no_grad():
        expected = model.eval().encode_image(batch).numpy()
    np.testing.assert_allclose(encoded(of_folder(saved)), expected, rtol=1e-5, atol=1e-6)


def test_texts_become_what_open_clip_makes_of_them(saved):
    texts = ["a photo taken in Kenya", "snow"]
    model = open_clip.create_model(f"local-dir:{saved}").eval()
    with torch.no_grad():
        expected = model.encode_text(open_clip.tokenize(texts)).numpy()
    found = of_folder(saved).encode_text(texts)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert of_folder(saved).encode_text([]).shape == (0, 16)


def test_a_long_text_is_cut_and_said(saved, caplog):
    encoder = of_folder(saved)
    long = "snow " * 100
    np.testing.assert_array_equal(
        encoder.encode_text([long]), encoder.encode_text([long + "and rain"])
    )
    assert "a text of 100 tokens is cut to the 75 that the model reads: snow" in caplog.text
    caplog.clear()
    encoder.encode_text(["snow " * 75])
    assert not caplog.text


def test_a_file_of_weights_is_the_folder_that_holds_it(saved, tmp_path):
    shape = json.loads((saved / "open_clip_config.json").read_text())["model_cfg"]
    (tmp_path / "made-up.json").write_text(json.dumps(shape))
    open_clip.add_model_config(tmp_path / "made-up.json")
    encoder = OpenClip(OpenClipConfig(model="made-up", pretrained=None, checkpoint=saved / WEIGHTS))
    np.testing.assert_array_equal(encoded(encoder), encoded(of_folder(saved)))
    assert encoder.identity() != of_folder(saved).identity()


def test_how_a_folder_prepares_pictures_is_in_the_features_and_the_key(saved, tmp_path):
    made_up.write(tmp_path)
    assert of_folder(tmp_path).identity() == of_folder(saved).identity()
    described = json.loads((tmp_path / "open_clip_config.json").read_text())
    described["preprocess_cfg"] = {"mean": [0, 0, 0], "std": [1, 1, 1], "resize_mode": "squash"}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(described))
    squashed = of_folder(tmp_path)
    assert squashed.identity() != of_folder(saved).identity()
    plain = Image.fromarray(pictures()[0]).resize((32, 32), Image.Resampling.BICUBIC)
    expected = np.asarray(plain, np.float32).transpose(2, 0, 1) / 255
    np.testing.assert_allclose(squashed.prepare(pictures()[0]), expected, atol=1e-6)


def test_weights_of_a_tag_are_used_as_they_were_trained():
    encoder = OpenClip()  # ViT-L-14, openai
    assert encoder.shape("pooled") == (FEATURES,)  # what GeoCLIP's released weights read
    assert encoder.recipe.quick_gelu
    assert not OpenClip(OpenClipConfig(pretrained="laion2b_s32b_b82k")).recipe.quick_gelu
    white = np.full((300, 400, 3), 255, np.uint8)
    prepared = encoder.prepare(white)
    assert prepared.shape == (3, 224, 224)
    expected = (1 - np.array([0.48145466, 0.4578275, 0.40821073])) / [
        *(0.26862954, 0.26130258, 0.27577711)
    ]
    np.testing.assert_allclose(prepared.mean(axis=(1, 2)), expected, rtol=1e-5)


def test_quick_gelu_reaches_the_model(saved, tmp_path, monkeypatch):
    shape = json.loads((saved / "open_clip_config.json").read_text())["model_cfg"]
    (tmp_path / "made-up-too.json").write_text(json.dumps(shape))
    open_clip.add_model_config(tmp_path / "made-up-too.json")
    published = {"hf_hub": "nobody/nothing/", "mean": (0.5,) * 3, "std": (0.5,) * 3}
    tags = {"slow": published, "quick": published | {"quick_gelu": True}}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "made-up-too", tags)
    slow, quick = (
        OpenClip(OpenClipConfig(model="made-up-too", pretrained=tag, checkpoint=saved / WEIGHTS))
        for tag in tags
    )
    assert slow.identity()["content"] != quick.identity()["content"]
    assert np.abs(encoded(slow) - encoded(quick)).max() > 1e-5


def test_absent_weights_are_a_sentence(hub):
    with pytest.raises(DataError) as raised:
        OpenClip(SMALLEST).identity()
    said = str(raised.value)
    for part in (WEIGHTS, f"https://huggingface.co/{REPOSITORY}", str(hub), "`checkpoint`"):
        assert part in said
    assert f"hf download {REPOSITORY} {WEIGHTS}" in said


def test_weights_in_the_cache_are_found_and_in_the_key(hub):
    def put(content):
        repository = hub / f"models--{REPOSITORY.replace('/', '--')}"
        (repository / "refs").mkdir(parents=True, exist_ok=True)
        (repository / "refs/main").write_text(f"revision-{content}")
        snapshot = repository / f"snapshots/revision-{content}"
        snapshot.mkdir(parents=True)
        (snapshot / WEIGHTS).write_text(content)
        return OpenClip(SMALLEST).content()

    assert put("one") != put("two")
    with pytest.raises(DataError, match=r"holds no weights of RN50 \(SafetensorError"):
        OpenClip(SMALLEST).encode(np.zeros((1, 3, 224, 224), np.float32), tokens=False)


class Program:
    """What runs code where it is unpickled."""

    def __reduce__(self):
        return Path.touch, (Path("it-ran"),)


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"visual.proj": Program()}, "model.pt")
    encoder = OpenClip(OpenClipConfig(model="RN50", pretrained=None, checkpoint=Path("model.pt")))
    with pytest.raises(DataError, match="holds no weights of RN50"):
        encoder.encode(np.zeros((1, 3, 224, 224), np.float32), tokens=False)
    assert not Path("it-ran").exists()


def test_workers_are_sent_no_weights(saved):
    encoder = of_folder(saved)
    before = encoded(encoder)
    assert len(pickle.dumps(encoder)) < 2_000
    np.testing.assert_array_equal(encoded(pickle.loads(pickle.dumps(encoder))), before)


def test_weights_that_are_not_finite_are_said(saved, tmp_path):
    made_up.write(tmp_path)
    from safetensors.torch import load_file, save_file

    weights = load_file(tmp_path / WEIGHTS)
    save_file({k: v * torch.nan for k, v in weights.items()}, tmp_path / WEIGHTS)
    with pytest.raises(DataError, match="are its weights damaged"):
        encoded(of_folder(tmp_path))


@pytest.mark.parametrize("model", ["ViT-B-16-SigLIP", "ViT-L-14-CLIPA"])
def test_texts_that_need_a_download_are_refused(model):
    encoder = OpenClip(OpenClipConfig(model=model, pretrained=None, checkpoint=Path(__file__)))
    assert encoder.prepare(pictures()[0]).shape == (3, 224, 224)
    with pytest.raises(PluginError, match=f"texts of {model} are read by a tokenizer that is down"):
        encoder.encode_text(["snow"])


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ({"model": "ViT-L-41"}, ConfigError, r"no model 'ViT-L-41'.*ViT-L-14"),
        ({"pretrained": "openia"}, ConfigError, r"no weights 'openia' of ViT-L-14.*openai"),
        ({"model": "xlm-roberta-base-ViT-B-32"}, ConfigError, "a network of transformers"),
        ({"model": None}, ValidationError, "there is no model"),
        ({"pretrained": None}, ValidationError, "there are no weights"),
        ({"checkpoint": Path()}, ValidationError, "describes its own model"),
        (
            {"model": None, "pretrained": None, "checkpoint": Path()},
            DataError,
            "describes no model of open_clip",
        ),
    ],
)
def test_what_cannot_be_is_a_sentence(tmp_path, monkeypatch, given, kind, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=f"(?s){message}"):
        OpenClip(OpenClipConfig(**given)).content()
