"""Text in several languages: which part is in which, and all of a sentence in one go.

The scripts tell most: kana is Japanese, Latin letters are English where the voice speaks it.
Chinese characters belong to both Chinese and Japanese; kana around them, and characters that only
one of the two writes, tell them apart. What tells nothing (digits, a name in characters that both
have) goes with its neighbours.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

from vinovits.text.cutting import sentences_of
from vinovits.text.reading import Said, Sentence, Word, said_within
from vinovits.text.sentences import split_sentences

Reader = Callable[[str, Sequence[Said]], Iterator[Sentence]]
"""A front end: from a text, and the readings given in it, to sentences."""

Run = tuple[str, int, int]
"""Code of a language, index of the first character, and behind the last."""

Given = tuple[int, int, str]
"""Index of the first character, and behind the last, of what has a given language, and its code."""

_TOKEN = re.compile(
    r"""(?P<han>[\u2e80-\u2fdf\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]+)
      |(?P<kana>[\u3040-\u30ff\uff66-\uff9f]+)
      |(?P<latin>[^\W\d_\u2e80-\uffff]+(?:['’.&@+#-]?[^\W_\u2e80-\uffff]+)*)
      |(?P<number>\d+(?:[.,:/-]\d+)*)
      |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_HIRAGANA = re.compile("[\u3041-\u3096]")
_KANA_MARKS = frozenset("ー・")
_CHINESE = frozenset("你您她们这那个很吗呢吧啊没么哪谁咱跟给让把")
_OFTEN_CHINESE = frozenset("我他的是在了不也都就到说去来")
"""Characters of Chinese grammar. The first Japanese hardly has; of the others it takes two in a
sentence without hiragana, which Japanese grammar is written in."""


def read_mixed(
    text: str,
    readers: Mapping[str, Reader],
    said: Sequence[Said] = (),
    given: Sequence[Given] = (),
) -> Iterator[Sentence]:
    """Read a text in which several languages may follow each other, even within a sentence.

    Args:
        text: Any text.
        readers: Front ends of the languages that it may be in, by their codes; the one first that
            nothing speaks against.
        said: Given readings, in order.
        given: Stretches whose language is given, those of the readings among them, in order.

    Yields:
        Sentences in the order of the text. A sentence's language is the one most of its phones are
        in; words of others name theirs.
    """
    for (start, end), runs in _parted(text, list(readers), given):
        words: list[Word] = []
        notes: list[str] = []
        for language, first, behind in runs:
            here = start + first, start + behind
            for part in readers[language](text[slice(*here)], said_within(said, *here)):
                words += _at(part.words, here[0], language)
                notes += part.notes
        if all(word.is_punctuation for word in words):
            continue
        main = _main_language(words)
        words = [replace(word, language="") if word.language == main else word for word in words]
        yield from sentences_of(words, text, start, end, main, notes)


def languages_of(text: str, languages: Sequence[str]) -> list[str]:
    """Codes of the languages that the parts of a text are in, as `read_mixed` parts it."""
    found: dict[str, None] = {}
    for _, runs in _parted(text, languages, ()):
        found |= dict.fromkeys(language for language, _, _ in runs)
    return list(found)


def _parted(
    text: str, languages: Sequence[str], given: Sequence[Given]
) -> Iterator[tuple[tuple[int, int], list[Run]]]:
    """Each sentence with its runs."""
    habit = languages[0]
    for start, end in split_sentences(text, [(first, behind) for first, behind, _ in given]):
        runs = runs_of(text[start:end], languages, habit, given_within(given, start, end))
        yield (start, end), runs
        habit = next((code for code, _, _ in reversed(runs) if code != "en"), habit)


def given_within(given: Sequence[Given], start: int, end: int) -> list[Given]:
    """What is given of the languages in [start:end], with places from `start` on."""
    first = bisect_right(given, start, key=lambda stretch: stretch[1])
    last = bisect_left(given, end, key=lambda stretch: stretch[0])
    return [
        (max(begin, start) - start, min(behind, end) - start, code)
        for begin, behind, code in given[first:last]
    ]


def runs_of(
    text: str, languages: Sequence[str], habit: str, given: Sequence[Given] = ()
) -> list[Run]:
    """Part a sentence by language.

    Args:
        text: A sentence.
        languages: Codes of the languages that it may be in.
        habit: The language of what nothing tells the language of.
        given: Stretches whose language is given, in order.

    Returns:
        Runs that cover the text, of another language each than the one before. Marks and spaces go
        with what stands before them.
    """
    tokens = list(_tokens(text, given))
    cjk = [code for code in ("zh", "ja") if code in languages]
    found: list[str] = [
        kind if kind in languages else _of_token(kind, text[start:end], languages, cjk)
        for kind, start, end in tokens
    ]
    _settle_han(text, tokens, found, habit if habit in cjk else "".join(cjk[:1]))
    _settle_numbers(text, tokens, found)
    runs: list[Run] = []
    language = next((code for code in found if code), habit)
    for (_, start, end), code in zip(tokens, found, strict=True):
        language = code or language
        if runs and runs[-1][0] == language:
            runs[-1] = (language, runs[-1][1], end)
        else:
            runs.append((language, start, end))
    return runs


def _tokens(text: str, given: Sequence[Given]) -> Iterator[tuple[str, int, int]]:
    """Kind and span of each token; where the language is given, that is the kind of all of it."""
    position = 0
    for start, end, code in [*given, (len(text), len(text), "")]:
        for match in _TOKEN.finditer(text, position, start):
            yield str(match.lastgroup), *match.span()
        if end > start:
            yield code, start, end
        position = end


def _of_token(kind: str, token: str, languages: Sequence[str], cjk: list[str]) -> str:
    """The language that a token tells by itself; "" for none, "?" for Chinese or Japanese."""
    match kind:
        case "han":
            return "?" if len(cjk) == 2 else "".join(cjk) or languages[0]
        case "kana":
            if not set(token) - _KANA_MARKS:
                return ""  # a dot or a long mark is written in Chinese names as well
            return "ja" if "ja" in languages else "".join(cjk) or languages[0]
        case "latin" if "en" in languages and (len(token) > 1 or not cjk):
            return "en"
    return ""


def _settle_han(
    text: str, tokens: Sequence[tuple[str, int, int]], found: list[str], habit: str
) -> None:
    """Decide for each stretch of Chinese characters which language it is."""
    unsettled = [i for i, code in enumerate(found) if code == "?"]
    if not unsettled:
        return
    hiragana = _HIRAGANA.search(text) is not None
    characters = "".join(text[slice(*tokens[i][1:])] for i in unsettled)
    chinese = _is_only_chinese(characters) or (not hiragana and _has_chinese_grammar(characters))
    japanese = any(_is_only_japanese(text[slice(*tokens[i][1:])]) for i in unsettled)
    kana = "ja" in found
    for index in unsettled:
        own = text[slice(*tokens[index][1:])]
        beside = {found[i] for i in (index - 1, index + 1) if 0 <= i < len(found)}
        if _is_only_chinese(own) and not (hiragana and "ja" in beside):
            found[index] = "zh"
        elif hiragana or (japanese and not chinese):
            found[index] = "ja"
        elif chinese:
            found[index] = "zh"
        else:
            found[index] = "ja" if kana else habit


def _settle_numbers(text: str, tokens: Sequence[tuple[str, int, int]], found: list[str]) -> None:
    """Give numbers and lone letters the language of what they touch, else of what is before."""
    for index, (kind, start, end) in enumerate(tokens):
        if found[index] == "en" and _touches_number(tokens, found, index):
            found[index] = ""  # a unit: 5kg
        if kind not in ("number", "latin") or found[index]:
            continue
        after = found[index + 1] if index + 1 < len(tokens) else ""
        before = found[index - 1] if index else ""
        if before != "en" and after and after != "en" and tokens[index + 1][1] == end:
            found[index] = after
        elif before and tokens[index - 1][2] == start:
            found[index] = before


def _touches_number(
    tokens: Sequence[tuple[str, int, int]], found: Sequence[str], index: int
) -> bool:
    beside = index and tokens[index - 1][0] == "number"
    around = next((code for code in reversed(found[:index]) if code), "")
    short = tokens[index][2] - tokens[index][1] <= 3
    return bool(beside) and short and around not in ("", "en")


@cache
def _writes(encoding: str, character: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _is_only_chinese(text: str) -> bool:
    """Whether some character is in no Japanese standard (JIS X 0208), but in a Chinese one."""
    return any(
        not _writes("shift_jis", c) and (_writes("gb2312", c) or _writes("big5", c)) for c in text
    )


def _has_chinese_grammar(text: str) -> bool:
    return any(c in _CHINESE for c in text) or sum(c in _OFTEN_CHINESE for c in text) > 1


def _is_only_japanese(text: str) -> bool:
    """Whether it is all in JIS X 0208, but neither all in GB 2312 nor all in Big5: 円, 会議."""

    def all_in(encoding: str) -> bool:
        return all(_writes(encoding, c) for c in text)

    return all_in("shift_jis") and not all_in("gb2312") and not all_in("big5")


def _at(words: Sequence[Word], offset: int, language: str) -> Iterator[Word]:
    """Words at their place in the whole text, without the full stop that closed the part."""
    for word in words:
        if word.end > word.start or not word.is_punctuation:
            yield replace(word, start=word.start + offset, end=word.end + offset, language=language)


def _main_language(words: Sequence[Word]) -> str:
    phones: dict[str, int] = {}
    for word in words:
        if not word.is_punctuation:
            phones[word.language] = phones.get(word.language, 0) + len(word.phones)
    return max(phones, key=lambda code: phones[code])
