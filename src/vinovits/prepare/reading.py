"""What clips say: texts as phones, with what couldn't be read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from vinovits.engine.readers import ReadingModels
from vinovits.errors import LanguageError, TextError, UsageError
from vinovits.features.bert import BertFeatures
from vinovits.graphs import default_cache_dir
from vinovits.lexicons import load, user_file
from vinovits.prepare.settings import Settings
from vinovits.text.checks import check_text
from vinovits.text.front_ends import read
from vinovits.text.lexicon import Lexicon
from vinovits.text.reading import Sentence, Word
from vinovits.text.script import plain
from vinovits.text.sequence import Cut, Piece, Stretch, to_sequence
from vinovits.text.symbols import TABLES, SymbolTable

NAMES = {"zh": "Chinese", "ja": "Japanese", "en": "English"}
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*|[^\w\s]")
_LATIN = re.compile(r"[A-Za-z]{2,}")
_KANA_FREE = 12
"""Han characters of a Japanese sentence without a single kana that are suspicious."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a clip says."""

    language: str
    """Its code."""
    text: str
    """As it is spoken: numbers and signs as words."""
    phones: tuple[str, ...] = ()
    """With "_" at both ends; none if it can't be read."""
    tones: tuple[int, ...] = ()
    word2ph: tuple[int, ...] = ()
    languages: tuple[str, ...] = ()
    """One for each phone, where there are several."""
    stretches: tuple[Stretch, ...] = ()
    """For the text features."""
    sounds: int = 0
    """Phones that aren't marks."""
    notes: tuple[str, ...] = ()
    """Sentences on what was left out or guessed."""
    wrong_language: str = ""
    """A sentence, if the text isn't in the language that it is said to be in."""
    unreadable: str = ""
    """A sentence, if nothing can be read."""


@dataclass
class TextReader:
    """Reads the texts of a training set; one thread at a time.

    Args:
        settings: Of the preparation.
        models: The feature models whose word pieces count, by the code of their language.
    """

    settings: Settings
    models: dict[str, BertFeatures] = field(default_factory=dict)

    @cached_property
    def table(self) -> SymbolTable:
        """The phones and languages of the family."""
        return TABLES[self.settings.family]

    @cached_property
    def _tools(self) -> ReadingModels:
        return ReadingModels(self.settings.feature_models.get("en", ""), "cpu", default_cache_dir())

    @cached_property
    def _lexicon(self) -> Lexicon:
        return load(user_file())

    def __call__(self, text: str, language: str) -> Said:
        """Read a text.

        Args:
            text: As it was given.
            language: Its code; "" to tell it by the letters.

        Raises:
            MissingExtraError: What reads the language isn't installed.
        """
        language = language or told(text)
        wrong = mismatch(text, language)
        spoken = [language]
        if language != "en" and _LATIN.search(text):
            spoken.append("en")
        try:
            script = plain(text)
            check_text(script, spoken)
            script = self._lexicon.applied(script, spoken)
            tools = self._tools.tools(spoken, self.settings.reading)
            family, reading = self.settings.family, self.settings.reading
            sentences = list(read(script, spoken, family, reading, tools))
        except (LanguageError, UsageError) as error:  # or released without this language
            return Said(language, text, wrong_language=str(error))
        except TextError as error:
            return Said(language, text, unreadable=str(error))
        if not sentences:
            return Said(language, text, unreadable="Nothing in the text can be spoken.")
        return self._said(sentences, language, wrong)

    def _said(self, sentences: Sequence[Sentence], language: str, wrong: str) -> Said:
        words = tuple(word for sentence in sentences for word in _with_language(sentence, language))
        whole = Sentence(sentences[0].text, 0, len(sentences[0].text), words, language)
        sequence = to_sequence(whole, self.table, self._cut)
        codes = {numbers.id: code for code, numbers in self.table.languages.items()}
        languages = tuple(codes[int(number)] for number in sequence.languages[1::2])
        starts = [self.table.languages[code].tone_start for code in languages]
        tones = (
            int(tone) - start for tone, start in zip(sequence.tones[1::2], starts, strict=True)
        )
        return Said(
            language=language,
            text=_joined(whole),
            phones=sequence.names,
            tones=tuple(tones),
            word2ph=tuple(
                (count - (index == 0 and number == 0)) // 2
                for number, stretch in enumerate(sequence.stretches)
                for index, count in enumerate(stretch.word2ph)
            ),
            languages=languages if len(set(languages)) > 1 else (),
            stretches=sequence.stretches,
            sounds=sum(len(word.phones) for word in words if not word.is_punctuation),
            notes=tuple(dict.fromkeys(note for one in sentences for note in one.notes)),
            wrong_language=wrong,
        )

    def _cut(self, language: str) -> Cut:
        if language in self.models:
            return self.models[language].pieces_in_place
        return _words if language == "en" else _characters


def told(text: str) -> str:
    """The code of the language that a text seems to be in, by its letters."""
    counts = _letters(text)
    if counts["kana"]:
        return "ja"
    return "zh" if counts["han"] and counts["han"] * 3 >= counts["latin"] else "en"


def mismatch(text: str, language: str) -> str:
    """A sentence, if a text can't well be in the language that a list names; else ""."""
    counts = _letters(text)
    name = NAMES[language]
    if language == "zh" and counts["kana"] > 1:
        return f"The list says {name}, but the text has kana: it seems to be Japanese."
    if language != "en" and counts["latin"] > 12 and counts["han"] + counts["kana"] == 0:
        return f"The list says {name}, but the text has Latin letters only: it seems to be English."
    if language == "en" and counts["han"] + counts["kana"] > counts["latin"]:
        return f"The list says {name}, but the text is written in Chinese or Japanese characters."
    if language == "ja" and counts["han"] >= _KANA_FREE and not counts["kana"]:
        return f"The list says {name}, but the text has no kana at all: it seems to be Chinese."
    return ""


def _letters(text: str) -> dict[str, int]:
    counts = dict.fromkeys(("han", "kana", "latin"), 0)
    for character in unicodedata.normalize("NFKC", text):
        if "\u3041" <= character <= "\u30fa":
            counts["kana"] += 1
        elif "\u3400" <= character <= "\u9fff" or "\U00020000" <= character <= "\U0003ffff":
            counts["han"] += 1
        elif character.isalpha() and character.isascii():
            counts["latin"] += 1
    return counts


def _with_language(sentence: Sentence, language: str) -> list[Word]:
    """Words of a sentence, each with its language where that isn't `language`."""
    if sentence.language == language:
        return list(sentence.words)
    return [replace(word, language=word.language or sentence.language) for word in sentence.words]


def _joined(sentence: Sentence) -> str:
    """The words as they are spoken, with spaces where Latin letters meet."""
    text = ""
    for word in sentence.words:
        spaced = (
            text
            and not word.is_punctuation
            and (
                (word.language or sentence.language) == "en"
                or (text[-1].isascii() and text[-1].isalpha())
            )
        )
        text += f" {word.text}" if spaced else word.text
    return text


def _words(text: str) -> list[Piece]:
    """Each word and each mark as a piece, where no model cuts them."""
    return [(0, match.start(), match.end()) for match in _WORD.finditer(text)]


def _characters(text: str) -> list[Piece]:
    """Each character as a piece, as the models of Chinese and Japanese have them."""
    return [(0, index, index + 1) for index in range(len(text))]
