"""Faults are found, each with a sentence, and what is sound isn't rejected."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vinovits.prepare.checks import Candidate, check, usual_voice
from vinovits.prepare.clips import Measures
from vinovits.prepare.reading import Said
from vinovits.prepare.settings import Settings

RNG = np.random.default_rng(0)


def unit(values: np.ndarray) -> list[float]:
    return [float(value) for value in values / np.linalg.norm(values)]


def clip(number: int, **changes: Any) -> Candidate:
    """A sound clip of four seconds and 40 phones."""
    sounds = changes.pop("sounds", 40 + number % 5)
    said = changes.pop(
        "said", Said("en", "x", ("_", "a", f"b{number}", "_"), (), (), sounds=sounds)
    )
    measures = {
        "seconds": 4.0,
        "peak": 0.5,
        "clipped": 0.0,
        "gain": 0.0,
        "lowered": 0.0,
        "mos": {"ovrl": 3.0, "sig": 3.0, "bak": 4.0},
        "likeness": unit(RNG.standard_normal(128)),
    }
    own = {key: changes.pop(key) for key in list(changes) if key in Measures.__dataclass_fields__}
    return Candidate(
        id=f"c{number}",
        recording=f"c{number}.wav",
        speaker=changes.pop("speaker", "ann"),
        path="clips/x.flac",
        said=said,
        measures=Measures(**{**measures, **own}),
        **changes,
    )


def kinds(one: Candidate) -> list[str]:
    return [kind for kind, _ in one.rejections]


@pytest.mark.parametrize(
    ("changes", "rejected", "remarked"),
    [
        ({}, [], []),
        ({"seconds": 0.5, "sounds": 5}, ["length"], []),
        ({"seconds": 20.0, "sounds": 200}, ["length"], []),
        ({"clipped": 0.01}, ["clipping"], []),
        ({"clipped": 0.001}, [], ["clipping"]),
        ({"mos": {"ovrl": 1.5, "sig": 2.0, "bak": 2.0}}, ["noise"], []),
        ({"mos": {"ovrl": 2.3, "sig": 2.0, "bak": 2.0}}, [], ["noise"]),
        ({"mos": {}}, [], []),
        ({"peak": 0.0001}, ["silence"], []),
        ({"lowered": 9.0}, [], ["loudness"]),
        ({"said": None}, ["text"], []),
        ({"said": Said("en", "?", unreadable="No.")}, ["text"], []),
        ({"said": Said("zh", "x", wrong_language="No.")}, ["language"], []),
        ({"said": Said("en", "x", ("_", "q", "_"), sounds=40, notes=("Hm.",))}, [], ["text"]),
        ({"sounds": 90}, ["fit"], []),
        ({"sounds": 12}, ["fit"], []),
    ],
)
def test_each_fault_of_a_clip(
    changes: dict[str, Any], rejected: list[str], remarked: list[str]
) -> None:
    clips = [clip(number) for number in range(12)] + [clip(99, **changes)]
    check(clips, Settings())
    assert kinds(clips[-1]) == rejected
    assert [kind for kind, _ in clips[-1].warnings] == remarked
    assert not any(one.rejections for one in clips[:-1])
    for _, sentence in clips[-1].rejections:
        assert sentence[0].isupper()
        assert sentence.endswith((".", "!"))


def test_few_clips_are_judged_by_what_is_possible_at_all() -> None:
    clips = [clip(1), clip(2, sounds=80), clip(3, sounds=8)]
    check(clips, Settings())
    assert [kinds(one) for one in clips] == [[], [], ["fit"]]


def test_two_speakers_under_one_name() -> None:
    ann, bob = RNG.random(256) ** 4, RNG.random(256) ** 4
    voices = [unit(ann + 0.1 * RNG.random(256)) for _ in range(9)]
    voices += [unit(bob + 0.1 * RNG.random(256)) for _ in range(3)]
    clips = [clip(number, voice=voice) for number, voice in enumerate(voices)]
    check(clips, Settings())
    assert [kinds(one) for one in clips] == [[]] * 9 + [["speaker"]] * 3
    assert "3 of 12 do" in clips[-1].rejections[0][1]
    named = [clip(i, voice=v, speaker="ann" if i < 9 else "bob") for i, v in enumerate(voices)]
    check(named, Settings())
    assert not any(one.rejections for one in named)


def test_the_usual_voice_is_no_mixture() -> None:
    ann, bob = np.eye(2, 256, dtype=np.float32)
    assert usual_voice(np.stack([ann, bob, ann, bob, ann])) == pytest.approx(ann)


def test_copies_and_same_texts() -> None:
    twice = unit(RNG.standard_normal(128))
    clips = [clip(1, likeness=twice), clip(2), clip(3, likeness=twice, seconds=4.03)]
    clips.append(clip(4, said=clips[1].said))
    check(clips, Settings())
    assert [kinds(one) for one in clips] == [[], [], ["copy"], []]
    assert clips[2].rejections[0][1] == "It is the same recording as c1."
    assert clips[3].warnings == [("copy", "Its text is that of c2, too.")]
    spoilt = [clip(1, likeness=twice, said=None), clip(2, likeness=twice)]
    check(spoilt, Settings())
    assert [kinds(one) for one in spoilt] == [["text", "copy"], []]


def test_what_is_forced_is_used_if_it_can_be() -> None:
    one = clip(1, clipped=0.5, forced=True)
    check([one], Settings())
    assert one.rejections
    assert one.used
    assert not clip(2, said=None, forced=True).used
