"""hub: the stand-ins lie where the real cache would hold the real weights."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tooling import hub
from tooling.stand_ins import STAND_INS

LOAD = """
import sys
import numpy
from transformers import AutoImageProcessor, AutoModel, AutoProcessor, AutoTokenizer

def picture(name, model):
    inputs = AutoImageProcessor.from_pretrained(name)(numpy.zeros((40, 44, 3), "uint8"), return_tensors="pt")
    assert model(**inputs).last_hidden_state.isfinite().all(), name

def sound(name, model):
    processor = AutoProcessor.from_pretrained(name)
    inputs = processor(numpy.zeros(16000), sampling_rate=16000, return_tensors="pt")
    labels = processor.tokenizer("大模型", return_tensors="pt")["input_ids"]
    states = model(**inputs, decoder_input_ids=labels).last_hidden_state
    assert states.shape[1] == labels.shape[1] and states.isfinite().all(), name

def text(name, model):
    tokenizer = AutoTokenizer.from_pretrained(name)
    words = "MVHLTPEEK" if model.config.model_type == "esm" else "大模型"
    inputs = tokenizer(words, return_tensors="pt")
    assert tokenizer.unk_token_id not in inputs["input_ids"], name
    assert model(**inputs).last_hidden_state.shape[1] == inputs["input_ids"].shape[1], name

def translation(name, model):
    tokenizer = AutoTokenizer.from_pretrained(name)
    inputs = tokenizer("大模型", text_target="a model", return_tensors="pt")
    assert tokenizer.unk_token_id not in inputs["input_ids"], name
    labels = inputs.pop("labels")
    assert tokenizer.unk_token_id not in labels, name
    states = model(**inputs, decoder_input_ids=labels).last_hidden_state
    assert states.shape[1] == labels.shape[1] and states.isfinite().all(), name

for name in sys.argv[1:]:
    model = AutoModel.from_pretrained(name)
    words = translation if model.config.is_encoder_decoder else text
    kinds = {"pixel_values": picture, "input_features": sound}
    kinds.get(model.main_input_name, words)(name, model)
    print(name, "loaded")
"""


def test_every_stand_in_loads_offline_by_its_real_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.build(tmp_path)
    environment = os.environ | {"HF_HUB_CACHE": str(hub.folder(tmp_path)), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *STAND_INS], env=environment, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == [f"{name} loaded" for name in STAND_INS], done.stderr


def test_a_block_that_finds_no_weights_is_told_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"HF_HUB_CACHE": str(tmp_path)})
    (tmp_path / "models--owner--there").mkdir()
    page = 'NAME = "owner/name"\nOTHER = "owner/there"\nmodel = AutoModel.from_pretrained(NAME)\n'
    wanted = "\nno weights here of: owner/name\n  expected: a stand-in in tooling/stand_ins.py, or HUB=real"
    assert hub.hint("AutoModel.from_pretrained(NAME)", page) == wanted
    assert hub.hint("1 / 0", page) == ""
    assert hub.hint("load.from_pretrained(NAME)", 'NAME, SIZE = "owner/name", 8\n') == wanted
    assert hub.hint("AutoModel.from_pretrained(OTHER)", page.replace("owner/name", "owner/there")) == ""
    monkeypatch.setattr(os, "environ", {"HF_HUB_CACHE": str(tmp_path), "HUB": "real"})
    assert hub.hint("AutoModel.from_pretrained(NAME)", page) == ""


def maker(folder: Path) -> None:
    (folder / "config.json").write_text("{}")


@pytest.fixture
def one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "STAND_INS", {"owner/name": maker})


def test_the_layout_is_that_of_the_cache(
    one: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.build(tmp_path)
    repository = hub.folder(tmp_path) / "models--owner--name"
    revision = (repository / "refs/main").read_text()
    assert len(revision) == 40
    assert [path.name for path in (repository / "snapshots" / revision).iterdir()] == ["config.json"]
    assert capsys.readouterr().out == "stand-in for owner/name: made\n"
    hub.build(tmp_path)
    assert capsys.readouterr().out == ""  # there already


def test_a_stand_in_is_whole_or_not_there(one: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(folder: Path) -> None:
        maker(folder)
        raise OSError("disk full")

    repository = hub.folder(tmp_path) / "models--owner--name"
    with monkeypatch.context() as patch:
        patch.setattr(hub, "STAND_INS", {"owner/name": breaks})
        with pytest.raises(OSError, match="disk full"):
            hub.build(tmp_path)
    assert not repository.exists()
    hub.build(tmp_path)
    assert repository.is_dir()


def test_the_folder_is_that_of_this_version(tmp_path: Path) -> None:
    assert hub.folder(tmp_path).parent == tmp_path / ".hub" and len(hub.folder(tmp_path).name) == 12


@pytest.mark.parametrize("choice", ["", "real"])
def test_the_environment(choice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"HUB": choice}
    monkeypatch.setattr(os, "environ", environment)
    hub.activate(tmp_path)
    wanted = {"HF_HUB_CACHE": str(hub.folder(tmp_path)), "HF_HUB_OFFLINE": "1"}
    assert (wanted.items() <= environment.items()) == (choice != "real")


def test_what_a_process_opens_of_the_hub_is_noticed(tmp_path: Path) -> None:
    hub.watch()
    hub.watch()  # once a process, however often it is asked for
    hub.opened()
    folder = tmp_path / "models--owner--name" / "snapshots"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (tmp_path / "other.json").write_text("{}")
    assert hub.opened() == ["owner/name"] and hub.opened() == []
