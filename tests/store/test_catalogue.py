from __future__ import annotations

from pathlib import Path

import pytest

from vinovits.errors import UsageError, VoiceError
from vinovits.nets.variants import VARIANTS
from vinovits.store.catalogue import (
    KINDS,
    catalogue,
    command_for,
    find_model,
    is_inside,
    read_catalogue,
)


def test_every_feature_model_of_every_family_is_there_and_names_the_family() -> None:
    models = catalogue()
    for variant in VARIANTS.values():
        needs = {need.model for need in variant.features}
        condition = variant.condition
        needs |= {condition.model} if condition and condition.model else set()
        for need in needs:
            assert models[need].kind == "features"
            assert variant.name in models[need].families, (need, variant.name)
    for model in models.values():
        assert set(model.families) <= set(VARIANTS), model.name
        assert model.kind in KINDS


def test_sums_stand_only_beside_a_pinned_revision() -> None:
    for model in catalogue().values():
        for file in model.files:
            assert not file.sha256 or model.revision or file.repository, model.name


def test_the_command_that_gets_a_model() -> None:
    assert command_for("deberta-v3-large") == "vinovits models pull deberta-v3-large"
    assert command_for("jvnv-F1-jp") == "vinovits pull jvnv-F1-jp"
    assert command_for("unheard-of") == ""


def test_an_unknown_name_suggests_the_closest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'deberta-v3-large'"):
        find_model("DeBERTa-v3-Large")
    with pytest.raises(UsageError, match=r"no model 'zzz'\. It has: chinese-roberta"):
        find_model("zzz")


ENTRY = """
[[models]]
name = "{name}"
kind = "{kind}"
repository = "{repository}"
revision = "{revision}"
files = [{{ name = "a.bin", path = "{path}", sha256 = "{sha256}" }}]
{more}
"""
GOOD = {
    "name": "a",
    "kind": "base",
    "repository": "owner/repo",
    "revision": "",
    "path": "",
    "sha256": "",
    "more": "",
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "cake"}, "its kind"),
        ({"repository": "owner"}, "repository"),
        ({"repository": "../.."}, "repository"),
        ({"revision": "main"}, "its revision"),
        ({"sha256": "12"}, "the sha256 of a.bin"),
        ({"path": "../a.bin"}, "the path of a.bin"),
        ({"path": "/etc/passwd"}, "the path of a.bin"),
        ({"name": "../a"}, "outside of its folder"),
        ({"more": "colour = 1"}, "unknown keys: colour"),
        (
            {"more": "[[models]]\nname = 'a'\nkind='base'\nrepository='o/r'\nfiles=[{name='x'}]"},
            "two",
        ),
    ],
)
def test_a_catalogue_that_cannot_be_right_is_refused(
    change: dict[str, str], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "catalogue.toml"
    path.write_text(ENTRY.format(**GOOD), encoding="utf-8")
    assert list(read_catalogue(path)) == ["a"]
    path.write_text(ENTRY.format(**{**GOOD, **change}), encoding="utf-8")
    with pytest.raises(VoiceError, match=message):
        read_catalogue(path)


@pytest.mark.parametrize("path", ["a", "a/b.bin", "a b/ü.bin", ".hidden"])
def test_paths_inside(path: str) -> None:
    assert is_inside(path)


@pytest.mark.parametrize("path", ["", "/a", "a//b", "..", "a/../b", "a\\b", "C:/x", "a/\0"])
def test_paths_that_lead_out(path: str) -> None:
    assert not is_inside(path)
