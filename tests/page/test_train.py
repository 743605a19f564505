"""The tab Train, without a browser."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from vinovits.errors import UsageError
from vinovits.page import tab_train
from vinovits.page.parts import Parts
from vinovits.serve import trainings as serving
from vinovits.serve.trainings import Trainings


@pytest.fixture
def tab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tab_train._Tab:
    monkeypatch.setenv("VINOVITS_BASES", str(tmp_path / "bases"))
    for name in ("aaa", "bbb"):
        (tmp_path / "bases" / name).mkdir(parents=True)
        (tmp_path / "bases" / name / "config.json").write_text("{}")
    return tab_train._Tab(cast(Parts, None), Trainings(tmp_path / "trainings"))


def test_who_comes_back_to_the_tab_finds_the_base_that_was_chosen(tab: tab_train._Tab) -> None:
    assert tab._opened(None, None)[1]["value"] == "aaa"
    for gone, chosen in ((None, "bbb"), ("zzz", "aaa")):
        _, bases, note, *_ = tab._opened(None, gone or chosen)
        assert bases["value"] == chosen
        assert {"aaa", "bbb"} <= set(bases["choices"])
        assert note == ""


def test_a_server_without_a_base_says_what_to_do(
    tab: tab_train._Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (tab_train, serving):
        monkeypatch.setattr(module, "find_bases", dict)
    _, bases, note, *_ = tab._opened(None, "aaa")
    assert (bases["choices"], bases["value"]) == ([], None)
    assert "train_no_base" in note
    tab.trainings.create("me")
    (tab.trainings._place("me") / "recordings" / "a.wav").touch()
    with pytest.raises(UsageError, match=r"Put a folder with config\.json.* VINOVITS_BASES"):
        tab._prepare("me", "", "")


def test_samples_are_named_by_what_they_say() -> None:
    said = {60: ["One.", "Two."]}
    assert tab_train._title("00000060-1", said) == "60: Two."
    assert tab_train._title("00000020-0", said) == "20: 0", "of a training before texts were kept"
