"""Models that help to read: found in the store, loaded at first need, broken ones told."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import vinovits
from vinovits.convert.voice import convert_checkpoint
from vinovits.engine import readers
from vinovits.engine.readers import ReadingModels
from vinovits.errors import VoiceError
from vinovits.features import bert, g2pw
from vinovits.features.g2pw import Reading
from vinovits.graphs import GraphInfo


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that feature models are looked for in first."""
    folder = tmp_path / "features"
    monkeypatch.setenv("VINOVITS_FEATURES", str(folder))
    return folder


@pytest.fixture(scope="module")
def tiny_chinese(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("voices") / "chinese"
    source = tiny_checkpoint / "G_0.pth"
    models = {"en_bert": "all-MiniLM-L6-v2"}
    convert_checkpoint(source, None, out, languages=["zh", "en"], feature_models=models)
    return out


def put(store: Path, name: str) -> None:
    (store / name).mkdir(parents=True)
    (store / name / "features.json").write_text("{}", "utf-8")


def models(tmp_path: Path, english: str = "") -> ReadingModels:
    return ReadingModels(english, "cpu", tmp_path / "cache")


def test_what_isnt_here_is_done_without(store: Path, tmp_path: Path) -> None:
    tools = models(tmp_path, "no-such-model").tools(["zh", "en"], "released")
    assert (tools.polyphones, tools.tokenise) == (None, None)


def test_only_what_is_asked_for_is_looked_for(store: Path, tmp_path: Path) -> None:
    put(store, "g2pW")
    put(store, "deberta")
    found = models(tmp_path, "deberta")
    assert found.tools(["zh"], "better").polyphones is not None
    assert found.tools(["en"], "better").polyphones is None
    assert found.tools(["zh", "en"], "better").tokenise is None
    assert found.tools(["zh"], "released").tokenise is None
    assert found.tools(["en"], "released").tokenise is not None


def test_a_broken_model_is_told_when_it_is_asked(store: Path, tmp_path: Path) -> None:
    put(store, "g2pW")
    put(store, "deberta")
    tools = models(tmp_path, "deberta").tools(["zh", "en"], "released")
    assert tools.polyphones is not None
    assert tools.tokenise is not None
    with pytest.raises(VoiceError, match="g2pW"):
        tools.polyphones("長")
    with pytest.raises(VoiceError, match="deberta"):
        tools.tokenise("long")


class FakeG2pw:
    """Knows one character."""

    made = 0
    name = "g2pW"
    info = GraphInfo(("CPU",), "f32")

    def __init__(self, *_: object) -> None:
        type(self).made += 1

    def readings(self, text: str) -> list[Reading]:
        return [
            Reading("model", "", "chang2") if c == "長" else Reading("fallback", None, None)
            for c in text
        ]

    def unload(self) -> None:
        """It holds nothing."""


def test_it_is_loaded_once_for_all_threads(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, "g2pW")
    monkeypatch.setattr(g2pw, "G2pw", FakeG2pw)
    FakeG2pw.made = 0
    found, other = models(tmp_path), models(tmp_path)
    ask = found.tools(["zh"], "better").polyphones
    assert ask is not None
    assert FakeG2pw.made == 0
    assert found.g2pw is None
    results: list[object] = []
    threads = [threading.Thread(target=lambda: results.append(ask("長x"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [["chang2", None]] * 8
    again = other.tools(["zh"], "better").polyphones
    assert again is not None
    assert again("長") == ["chang2"]
    assert FakeG2pw.made == 1
    assert found.g2pw is other.g2pw


class FakeBert:
    """Cuts behind the third letter, as SentencePiece or as WordPiece writes it."""

    space = "▁"

    def __init__(self, *_: object) -> None:
        pass

    def tokens(self, text: str) -> list[tuple[str, int, int]]:
        return [(self.space + text[:3], 0, 3), (text[3:], 3, len(text))]


def test_a_tokenizer_without_signs_for_spaces_isnt_asked(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, "deberta")
    monkeypatch.setattr(bert, "BertFeatures", FakeBert)
    tokenise = models(tmp_path, "deberta").tools(["en"], "released").tokenise
    assert tokenise is not None
    assert [token for token, _, _ in tokenise("letters")] == ["▁let", "ters"]
    monkeypatch.setattr(FakeBert, "space", "")
    assert [token for token, _, _ in tokenise("letters")] == ["▁letters"]


def test_a_voice_tells_that_g2pw_was_asked(
    store: Path, tiny_chinese: Path, graph_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, "g2pW")
    monkeypatch.setattr(g2pw, "G2pw", FakeG2pw)
    voice = vinovits.load(tiny_chinese, cache_dir=graph_cache)
    assert readers.POLYPHONES not in voice.graphs()
    stats = voice.speak("长。").stats
    assert stats.features["polyphones"] == "g2pW"
    assert stats.graphs["g2pW"] == voice.graphs()["g2pW"] == FakeG2pw.info
    [sentence] = voice.read("长。")
    assert (sentence.words[0].reading, sentence.words[0].source) == ("chang2", "network")
    bare = vinovits.load(tiny_chinese, features="none", cache_dir=graph_cache)
    assert "polyphones" not in bare.speak("长。").stats.features
    assert bare.read("长。")[0].words[0].source != "network"
