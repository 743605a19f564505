"""Which part of a text is in which language.

The scripts tell most: kana is Japanese, Latin letters are English. Chinese characters belong to
both Chinese and Japanese; the kana they touch, characters that only one of the two writes, and
words that only Chinese has, tell them apart. What tells nothing (digits, a name in characters that
both have) goes with its neighbours.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from vinovits.text.given import sentences_around
from vinovits.text.reading import Said
from vinovits.text.sentences import Span, split_sentences

Given = tuple[int, int, str]
"""Index of the first character, and behind the last, of what has a given language, and its code."""


class Run(NamedTuple):
    """A part of a sentence in one language."""

    language: str
    """Code of the language."""
    start: int
    """Index of its first character."""
    end: int
    """Index behind its last."""
    sounds: str
    """Code of the language whose phones it gets: the same where the voice speaks it."""


class _Token(NamedTuple):
    kind: str
    """"han", "kana", "latin", "number" or "other"; or the code of the language if that is given."""
    start: int
    end: int


_HAN = "\u2e80-\u2fdf\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_LATIN = r"[^\W\d_\u2e80-\uffff]+(?:['’.&@+#-]?[^\W_\u2e80-\uffff]+)*"
_WORD = r"\d+(?:st|nd|rd|th)(?![A-Za-z])|[^\W\d_\u2e80-\uffff]+(?:['’-][^\W\d_\u2e80-\uffff]+)*"
_TOKENS, _TOKENS_OF_WORDS = (
    re.compile(
        rf"""(?P<han>[{_HAN}]+)
          |(?P<kana>[\u3040-\u30ff\uff66-\uff9f]+)
          |(?P<latin>{latin})
          |(?P<number>\d+(?:[.,:/-]\d+)*)
          |(?P<other>.)""",
        re.VERBOSE | re.DOTALL,
    )
    for latin in (_LATIN, _WORD)
)
"""Where English is spoken, what is joined by signs (an address, R&B, 4x4) is one token; where it
isn't, words are taken out of that one by one."""
_PLAIN_FORMS = {
    code: code - 0xFEE0
    for code in range(0xFF01, 0xFF5F)
    if chr(code - 0xFEE0).isalnum() or chr(code - 0xFEE0) in "'.&@+#-:/"
}
"""Of full-width letters, digits, and the signs that join them; other marks are Chinese as well."""
_HIRAGANA = re.compile("[\u3041-\u3096]")
_NO = re.compile("[\u3041-\u3096]*の[\u3041-\u3096]*")
_KANA_MARKS = frozenset("ー・")
_SCRIPT = {
    "zh": re.compile(f"[{_HAN}]"),
    "ja": re.compile(f"[\u3041-\u30ff\uff66-\uff9f{_HAN}]"),
    "en": re.compile("[^\\W\\d_\u0370-\uffff]"),
}
_FOREIGN_SCRIPT = {
    "zh": re.compile(f"[{_HAN}]"),
    "ja": re.compile("[\u3041-\u3096\u30a1-\u30fa\uff66-\uff9d]"),
    "en": re.compile("[A-Za-z]{2}"),
}
_CHINESE = frozenset("你您她们这那个很吗嗎呢吧啊没沒么麼哪谁咱跟给让讓把")
_OFTEN_CHINESE = frozenset("我他的是在了不也都就到说說去来來")
"""Characters of Chinese grammar. The first Japanese hardly has; of the others it takes two in a
sentence without hiragana, which Japanese grammar is written in."""
_CHINESE_WORDS = re.compile(
    "然后|然後|但是|因为|所以|如果|可以|就是|不是|知道|今天|昨天|明天|晚上|早上|之后|以后|正在"
    "|什么|什麼|怎么|没有|沒有|已经|已經|觉得|喜欢|谢谢|謝謝|一起去|吃了|走了|去了|来了"
)
"""Words that Japanese doesn't have, whatever characters they are written with."""
_VERB = frozenset("看吃喝在去想要有和是叫玩用买听说写读做会到给")
"""What before katakana is a Chinese word, by itself."""
_WITHOUT_KANA = re.compile("[^\u3041-\u3096\u30a1-\u30fa。！？!?\n]+")
_GOES_ON = re.compile("(?<=[」』])(?:と|って|など)|(?<=…)(?=\\w)|(?<=…[”’」』）】》])(?=\\w)")
"""Where a sentence goes on behind a mark: 「はい。」と答えた, 我……不知道."""
_LOOKED_AT = 2000
"""Characters in which a sentence is looked for that tells its language."""


def spoken_here(text: str, spoken: Sequence[str]) -> list[str]:
    """Those of the voice's languages that write some letter of a text; the first if none does."""
    text = text.translate(_PLAIN_FORMS)
    return [code for code in spoken if _SCRIPT[code].search(text)] or [spoken[0]]


def foreign_here(text: str, spoken: Sequence[str]) -> list[str]:
    """Languages that the voice lacks, and that some part of a text may be in.

    A voice that speaks Japanese has its own way with English words, and reads Chinese characters
    as Japanese unless the text is clearly Chinese.
    """
    text = text.translate(_PLAIN_FORMS)
    found = [
        code
        for code, script in _FOREIGN_SCRIPT.items()
        if code not in spoken and script.search(text)
    ]
    if "ja" in spoken:
        if "zh" in found and not _holds_chinese(text):
            found.remove("zh")
        if "en" in found and "zh" not in spoken:
            found.remove("en")
    return found


def _holds_chinese(text: str) -> bool:
    return is_only_chinese("".join(set(text))) or any(
        _has_chinese_grammar(stretch[0]) for stretch in _WITHOUT_KANA.finditer(text)
    )


def parted(
    text: str,
    spoken: Sequence[str],
    foreign: Sequence[str] = (),
    given: Sequence[Given] = (),
    said: Sequence[Said] = (),
) -> Iterator[tuple[Span, list[Run]]]:
    """Each sentence of a text with its runs.

    Args:
        text: Any text.
        spoken: Codes of the languages that the voice speaks and the text may be in; the one first
            that nothing speaks against.
        foreign: Codes of others that it may be in.
        given: Stretches whose language is given, in order.
        said: Readings that are given, in order; no sentence ends within one.
    """
    habit = _habit(text, [*spoken, *foreign])
    for start, end in _sentences(text, said):
        here = given_within(given, start, end)
        runs = runs_of(text[start:end], spoken, habit, here, foreign)
        yield (start, end), runs
        habit = next((run.language for run in reversed(runs) if run.language != "en"), habit)


def given_within(given: Sequence[Given], start: int, end: int) -> list[Given]:
    """What is given of the languages in [start:end], with places from `start` on."""
    first = bisect_right(given, start, key=lambda stretch: stretch[1])
    last = bisect_left(given, end, key=lambda stretch: stretch[0])
    return [
        (max(begin, start) - start, min(behind, end) - start, code)
        for begin, behind, code in given[first:last]
    ]


def runs_of(
    text: str,
    spoken: Sequence[str],
    habit: str,
    given: Sequence[Given] = (),
    foreign: Sequence[str] = (),
) -> list[Run]:
    """Part a sentence by language.

    Args:
        text: A sentence.
        spoken: Codes of the voice's languages.
        habit: The language of what nothing tells the language of.
        given: Stretches whose language is given, in order.
        foreign: Codes of other languages that it may be in.

    Returns:
        Runs that cover the text, each in another language than the one before. Marks and spaces go
        with what stands before them.
    """
    text = text.translate(_PLAIN_FORMS)
    languages = (*spoken, *foreign)
    tokens = list(_tokens(text, given, "en" in foreign))
    cjk = [code for code in ("zh", "ja") if code in languages]
    found = [_of_token(token, text[token.start : token.end], languages, cjk) for token in tokens]
    _settle_han(text, tokens, found, habit if habit in cjk else "".join(cjk[:1]))
    _settle_numbers(tokens, found)
    if "en" in foreign:
        _keep_numbers(tokens, found, habit if habit in spoken else spoken[0])
    runs: list[Run] = []
    language = next((code for code in found if code), habit)
    for token, code in zip(tokens, found, strict=True):
        language = code or language
        _append(runs, Run(language, token.start, token.end, language))
    return _sounded(runs, spoken, habit, {code for _, _, code in given})


def _append(runs: list[Run], run: Run) -> None:
    if runs and runs[-1].language == run.language and runs[-1].sounds == run.sounds:
        runs[-1] = runs[-1]._replace(end=run.end)
    else:
        runs.append(run)


def _sounded(
    runs: Sequence[Run], spoken: Sequence[str], habit: str, given: Collection[str]
) -> list[Run]:
    """Runs in languages that the voice lacks get the sounds of what is beside them."""
    if all(run.language in spoken for run in runs):
        return list(runs)
    sounds = habit if habit in spoken else spoken[0]
    sounds = next((run.language for run in runs if run.language in spoken), sounds)
    found: list[Run] = []
    for run in runs:
        if run.language in spoken:
            sounds = run.language
        elif (run.language, sounds) == ("en", "ja") and "en" not in given:
            run = run._replace(language="ja")  # it has its own way with English words
        _append(found, run._replace(sounds=sounds))
    return found


def _tokens(text: str, given: Sequence[Given], of_words: bool) -> Iterator[_Token]:
    """Tokens of a sentence; where the language is given, that is the kind of all of it."""
    pattern = _TOKENS_OF_WORDS if of_words else _TOKENS
    position = 0
    for start, end, code in [*given, (len(text), len(text), "")]:
        for match in pattern.finditer(text, position, start):
            yield _Token(str(match.lastgroup), *match.span())
        if end > start:
            yield _Token(code, start, end)
        position = end


def _of_token(token: _Token, text: str, languages: Sequence[str], cjk: Sequence[str]) -> str:
    """The language that a token tells by itself; "" for none, "?" for Chinese or Japanese."""
    match token.kind:
        case "han":
            return "?" if len(cjk) == 2 else "".join(cjk) or languages[0]
        case "kana":
            if not set(text) - _KANA_MARKS:
                return ""  # a dot or a long mark is written in Chinese names as well
            return "ja" if "ja" in languages else "".join(cjk) or languages[0]
        case "latin":
            # Alone, a letter is one of a name that is spelled (A座), but for a voice without these.
            if len(text) == 1 and languages[0] != "en":
                return ""
            return "en" if "en" in languages else "ja" if "ja" in languages else ""
        case "number" | "other":
            return ""
    return token.kind


def _settle_han(text: str, tokens: Sequence[_Token], found: list[str], habit: str) -> None:
    """Decide for each stretch of Chinese characters which language it is."""
    unsettled = [i for i, code in enumerate(found) if code == "?"]
    if not unsettled:
        return
    own = {i: text[tokens[i].start : tokens[i].end] for i in unsettled}
    hiragana = any(
        token.kind == "kana" and _is_japanese_grammar(text[token.start : token.end], found, number)
        for number, token in enumerate(tokens)
    )
    characters = "".join(own.values())
    certain = {i for i in unsettled if is_never_japanese(own[i])}
    chinese = is_only_chinese(characters) or (not hiragana and _has_chinese_grammar(characters))
    japanese = any(_is_only_japanese(part) for part in own.values())
    for index, part in own.items():
        follows = _follows(tokens, found, index)
        before, after = (
            hiragana and _is_hiragana(text, tokens, beside) for beside in (index - 1, index + 1)
        )
        if (
            index in certain
            or (is_only_chinese(part) and not (before or after))
            or ((certain or not after) and _CHINESE_WORDS.search(part))
            or ((certain or (follows and not after)) and _has_chinese_grammar(part))
        ):
            found[index] = "zh"
        elif before or after or (hiragana and not certain) or (japanese and not chinese):
            found[index] = "ja"
        elif chinese or part in _VERB:
            found[index] = "zh"
        else:
            found[index] = "ja" if "ja" in found else habit


def _follows(tokens: Sequence[_Token], found: Sequence[str], index: int) -> bool:
    """Whether there are only marks between Chinese and what follows it."""
    behind = range(index - 1, -1, -1)
    return next((found[i] for i in behind if tokens[i].kind != "other"), "") == "zh"


def _is_japanese_grammar(kana: str, found: Sequence[str], index: int) -> bool:
    """Whether kana tell of Japanese around them: not katakana, nor a の that Chinese likes too."""
    if not _HIRAGANA.search(kana):
        return False
    beside = [found[i] for i in (index - 1, index + 1) if 0 <= i < len(found)]
    return kana != "の" or beside != ["?", "?"]


def _is_hiragana(text: str, tokens: Sequence[_Token], index: int) -> bool:
    if not 0 <= index < len(tokens) or tokens[index].kind != "kana":
        return False
    return _HIRAGANA.search(text, tokens[index].start, tokens[index].end) is not None


def _settle_numbers(tokens: Sequence[_Token], found: list[str]) -> None:
    """Give numbers and lone letters the language of what they touch, else of what is before."""
    for index, token in enumerate(tokens):
        if found[index] == "en" and _touches_number(tokens, found, index):
            found[index] = ""  # a unit: 5kg
        if token.kind not in ("number", "latin") or found[index]:
            continue
        if token.kind == "latin" and _is_spaced(tokens, found, index):
            found[index] = "en"  # I love you
            continue
        after = found[index + 1] if index + 1 < len(tokens) else ""
        before = found[index - 1] if index else ""
        if before != "en" and after and after != "en" and tokens[index + 1].start == token.end:
            found[index] = after
        elif before and tokens[index - 1].end == token.start:
            found[index] = before


def _is_spaced(tokens: Sequence[_Token], found: Sequence[str], index: int) -> bool:
    """Whether a lone letter is the first word of English: before a space and an English word."""
    alone = index == 0 or tokens[index - 1].kind == "other"
    return alone and index + 2 < len(found) and found[index + 1 : index + 3] == ["", "en"]


def _keep_numbers(tokens: Sequence[_Token], found: list[str], spoken: str) -> None:
    """Numbers beside words that the voice has no language for are read in one that it has."""
    for index, token in enumerate(tokens):
        if token.kind == "number" and found[index] in ("", "en"):
            before = (code for code in reversed(found[:index]) if code not in ("", "en"))
            found[index] = next(before, spoken)


def _touches_number(tokens: Sequence[_Token], found: Sequence[str], index: int) -> bool:
    beside = index and tokens[index - 1].kind == "number"
    around = next((code for code in reversed(found[:index]) if code), "")
    short = tokens[index].end - tokens[index].start <= 3
    return bool(beside) and short and around not in ("", "en")


def _sentences(text: str, said: Sequence[Said]) -> Iterator[Span]:
    """Sentences; what was said and what is told of it are one."""
    last: Span | None = None
    for start, end in sentences_around(text, said):
        if last is not None and last[1] == start and _GOES_ON.match(text, start):
            last = (last[0], end)
            continue
        if last is not None:
            yield last
        last = (start, end)
    if last is not None:
        yield last


def _habit(text: str, languages: Sequence[str]) -> str:
    """The language of characters that Chinese and Japanese share, before a sentence has told it."""
    if not {"zh", "ja"} <= set(languages):
        return languages[0]
    for start, end in split_sentences(text[:_LOOKED_AT]):
        sentence = text[start:end]
        if _HIRAGANA.search(sentence) and not _NO.fullmatch(sentence):
            return "ja"
        if is_only_chinese(sentence) or _has_chinese_grammar(sentence):
            return "zh"
    return languages[0]


@cache
def _writes(encoding: str, character: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def is_only_chinese(text: str) -> bool:
    """Whether some character is in no Japanese standard (JIS X 0208), but in a Chinese one."""
    return any(
        not _writes("shift_jis", c) and (_writes("gb2312", c) or _writes("big5", c)) for c in text
    )


def is_never_japanese(text: str) -> bool:
    """Whether some character of it is also not among the rare ones of Japanese (JIS X 0213)."""
    return any(
        not _writes("shift_jis_2004", c) and (_writes("gb2312", c) or _writes("big5", c))
        for c in text
    )


def _has_chinese_grammar(text: str) -> bool:
    if _CHINESE_WORDS.search(text) or any(c in _CHINESE for c in text):
        return True
    return sum(c in _OFTEN_CHINESE for c in text) > 1


def _is_only_japanese(text: str) -> bool:
    """Whether it is all in JIS X 0208, but neither all in GB 2312 nor all in Big5: 円, 会議."""

    def all_in(encoding: str) -> bool:
        return all(_writes(encoding, c) for c in text)

    return all_in("shift_jis") and not all_in("gb2312") and not all_in("big5")
