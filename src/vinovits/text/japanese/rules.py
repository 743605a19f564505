"""What distinguishes the readings of released families, and our own: rows of data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True, slots=True)
class JapaneseRules:
    """How a Japanese text is read: the steps that differ between families of voices."""

    marks: str
    """Which characters become which punctuation: a section of data/japanese/marks.toml."""
    letters: bool = False
    """Whether Latin and Greek letters are kept for the dictionary to read, or deleted."""
    iteration_mark: bool = True
    """Whether 々 is kept."""
    voicing_marks: str = "\u3099"
    """Combining marks without a kana before them that are deleted in the end."""
    source: Literal["open-jtalk", "open-jtalk-twice", "unidic"] = "open-jtalk"
    """Where readings come from. Quirk "twice": the kana of each word go through Open JTalk a second
    time, which takes them for words. "unidic": MeCab's words and their readings, no accents."""
    kana: str = "open-jtalk"
    """Column of data/japanese/kana.tsv."""
    moraic_n: str = "N"
    """Phone of ん."""
    respelled: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Phones that the family lacks, and what comes nearest."""
    long_vowels: bool = True
    """Quirk where False: long vowel marks are dropped."""
    leading_long: Literal["previous", "vowel"] = "previous"
    """What a ー at the beginning of a word repeats: the phone before it, whatever it is (quirk; at
    the beginning of a text it is the very last phone), or a vowel, else it is a "-"."""
    tones: Literal["none", "word", "phrase"] = "phrase"
    """How accents become tones: 0 everywhere; counted word by word (quirk: and 0 behind the first
    phone that differs from Open JTalk's); or high and low by accent phrase."""
    unread: str = "'"
    """Phone of a character that can't be read."""
    ours: bool = False
    """The steps of `better`: numbers, dates, units, Latin words, odoriji, and notes on the rest."""


_V2_0 = JapaneseRules(
    marks="2.0",
    voicing_marks="",
    source="open-jtalk-twice",
    moraic_n="n",
    tones="word",
    unread=",",
)
_V2_1 = replace(_V2_0, marks="2.1", voicing_marks="\u3099")
_JP_EXTRA = JapaneseRules(marks="jp-extra", letters=True)
_SBV2 = replace(_JP_EXTRA, marks="sbv2", voicing_marks="\u3099\u309a", leading_long="vowel")
_V1_1 = JapaneseRules(
    marks="1.1.1",
    iteration_mark=False,
    voicing_marks="",
    source="unidic",
    kana="julius",
    long_vowels=False,
    tones="none",
    unread=",",
)

RULES = {
    "1.1.0": _V1_1,
    "1.1.1": _V1_1,
    "1.1.1-fix": replace(_V2_0, iteration_mark=False, tones="none"),
    "2.0": _V2_0,
    "2.1": _V2_1,
    "2.2": _V2_1,
    "2.3-tag": _V2_1,
    "2.3": replace(_V2_1, source="open-jtalk", kana="2.3"),
    "jp-extra": _JP_EXTRA,
    "sbv2": replace(_SBV2, moraic_n="n"),
    "sbv2-jp-extra": _SBV2,
}
"""The rules of each released version, "better": ours with the phones and tones of "jp-extra", and
"better/2.3" and so on: ours with those of that version."""


def _better(rules: JapaneseRules) -> JapaneseRules:
    """Ours with the phones and the kind of tones that a voice of this family knows."""
    return replace(
        RULES["jp-extra"],
        marks="better",
        kana="plus",
        voicing_marks="\u3099\u309a",
        leading_long="vowel",
        moraic_n=rules.moraic_n,
        tones=rules.tones,
        ours=True,
    )


RULES |= {f"better/{version}": _better(rules) for version, rules in RULES.items()}
RULES["better"] = RULES["better/jp-extra"]
# Neither has tones.
RULES["better/1.0.1"] = replace(RULES["better/1.1.1"], respelled=(("ty", ("t", "y")),))
