"""Ruby: the reading of kanji in brackets behind them, 漢字(かんじ) and ｜宇宙《そら》.

Where the dictionary reads the kanji so by itself, it goes on to, since it knows their accent; else
the kana are said in their place. Either way they are said once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate

from vinovits.text.japanese import open_jtalk
from vinovits.text.japanese.given import STAND_INS, Given, StandIns
from vinovits.text.notation import TO_KATAKANA, moras
from vinovits.text.traced import Traced, joined

_KANJI = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af々〆ヶ"
_KANA = "\u3041-\u3096\u30a1-\u30fa\u30fc\uff66-\uff9f"
_RUBY = rf"(?![ーｰﾞﾟ])[{_KANA}][{_KANA}・･\s]{{0,39}}"
_BRACKETS = re.compile(rf"《(?P<ruby>{_RUBY})》|[(（](?P<round>{_RUBY})[)）]")
_MOST = 20
"""Characters of what ruby belongs to."""
_MARKED = re.compile(rf"[｜|](?P<base>[^｜|《》()（）\s{STAND_INS}]{{1,{_MOST}}})\Z")
_WORDS = re.compile(rf"[{_KANJI}{_KANA}]{{1,{_MOST}}}\Z")
_RUN = re.compile(rf"[{_KANJI}]+\Z")
_ENDING = re.compile("[\u3041-\u3096]{1,4}")
_HIRAGANA = re.compile("[\u3041-\u3096ー]+")
_KATAKANA = re.compile("[\u30a1-\u30fa\u30fc]+")
_LONG = re.compile("(?<=[オコソトノホモヨロゴゾドボポョ])ウ|(?<=[エケセテネヘメレゲゼデベペ])イ")
"""Kana that lengthen the one before them."""
_SAME = str.maketrans("ヅヂヲ", "ズジオ")


def read_ruby(traced: Traced, signs: StandIns) -> Traced:
    """Take the ruby out of a text.

    Args:
        traced: The text; characters of `signs` stand for words whose reading is given.
        signs: Gets the words that are said as their ruby has it.

    Returns:
        The text; what the ruby belongs to stands for the brackets as well.
    """
    if not _BRACKETS.search(traced.text):
        return traced
    return joined(_parts(traced, signs))


def _parts(traced: Traced, signs: StandIns) -> Iterator[Traced]:
    text, position = traced.text, 0
    for match in _BRACKETS.finditer(text):
        opening, end = match.span()
        kana = unicodedata.normalize("NFKC", match["ruby"] or match["round"])
        kana = re.sub(r"[・\s]", "", kana)
        said = signs.words.get(text[opening - 1 : opening])
        if said:
            if _folded(said.kana) == _folded(kana) and opening > position:
                yield traced.part(position, opening)
                position = end
            continue
        ending = _ENDING.match(text, end)
        start, base, is_listed = _base(
            text[position:opening], kana, ending[0] if ending else "", match["round"] is not None
        )
        if not base:
            continue
        start += position
        yield traced.part(position, start)
        span = traced.span(start, end)
        if is_listed:
            # The first of its characters stands for a mark in front too, the last for the brackets.
            spans = list(traced.spans[opening - len(base) : opening])
            spans[0] = (span[0], spans[0][1])
            spans[-1] = (spans[-1][0], span[1])
            yield Traced(base, spans)
        else:
            yield signs.sign(Given(base, *_pronounced(kana), "rule", span))
        position = end
    yield traced.part(position, len(text))


def _base(before: str, kana: str, ending: str, is_round: bool) -> tuple[int, str, bool]:
    """What a reading belongs to.

    Args:
        before: The text before the bracket.
        kana: What is in it.
        ending: The hiragana behind it, which may belong to the word: 貶(おとし)めた.
        is_round: Round brackets may hold a remark as well.

    Returns:
        Where it begins with its mark, if it has one, the words, "" if there are none, and whether
        the dictionary reads them so.
    """
    tail = before[-_MOST - 1 :]
    offset = len(before) - len(tail)
    if marked := _MARKED.search(tail):
        base = marked["base"]
        return offset + marked.start(), base, _read(base) == _folded(kana)
    words = _WORDS.search(tail[-_MOST:])
    run = _RUN.search(tail)
    if words is None:
        return 0, "", False
    for start in range(len(words[0])):
        base = words[0][start:]
        if not re.search(f"[{_KANJI}]", base):
            break
        for length in range(len(ending) + 1):
            if _read(base + ending[:length]) == _folded(kana + ending[:length]):
                return len(before) - len(base), base, True
    base = run[0] if run else ""
    if base and is_round:
        base = _likely_base(base, kana)
    return len(before) - len(base), base, False


def _likely_base(run: str, kana: str) -> str:
    """The last words of a run of kanji that kana in round brackets may be a reading of; or "".

    東京(とてもよい) is a remark and 運命(さだめ) a reading: kanji have one to three moras, single
    ones up to five, and a reading consists of nouns.
    """
    nouns = all(node["pos"] == "名詞" for node in open_jtalk.words(kana))
    if not nouns or not _HIRAGANA.fullmatch(kana):
        return ""
    spoken = moras(kana.translate(TO_KATAKANA))
    lengths = [len(node["string"]) for node in open_jtalk.words(run)]
    for start in accumulate(lengths[:-1], initial=0):
        if len(run) - start <= spoken <= 3 * (len(run) - start) + 2:
            return run[start:]
    return ""


@lru_cache(maxsize=4096)
def _read(text: str) -> str:
    """How the dictionary reads a text."""
    return _folded("".join(node["read"] for node in open_jtalk.words(text)))


def _folded(kana: str) -> str:
    return kana.translate(TO_KATAKANA).translate(_SAME)


def _pronounced(kana: str) -> tuple[str, int | None]:
    """How ruby is said, which is spelled as words are, and its accent if the dictionary has it."""
    nodes = open_jtalk.words(kana)
    if len(nodes) == 1 and nodes[0]["pos"] == "名詞":
        said = nodes[0]["pron"].replace("’", "")
        accent = int(nodes[0]["acc"])
        if _KATAKANA.fullmatch(said) and accent <= moras(said):
            return said, accent
    return _LONG.sub("ー", kana.translate(TO_KATAKANA)), None
