"""Several languages in one text: parted as people would, nothing lost, nothing raised."""

from __future__ import annotations

import re
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinovits.text.parting import foreign_here, parted, runs_of, spoken_here

ALL = ("zh", "ja", "en")


def written(text: str, languages: tuple[str, ...] = ALL) -> str:
    """The runs of a text for a voice of these languages: "en>zh:GitHub" is English, said in Chinese
    sounds; spaces are underscores.
    """
    spoken, foreign = spoken_here(text, languages), foreign_here(text, languages)
    found = []
    for (start, _), runs in parted(text, spoken, foreign):
        for run in runs:
            code = run.language + (f">{run.sounds}" if run.sounds != run.language else "")
            found.append(f"{code}:{text[start + run.start : start + run.end].replace(' ', '_')}")
    return " ".join(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "我昨天在GitHub上看到一个很酷的プロジェクト，it works!",
            "zh:我昨天在 en:GitHub zh:上看到一个很酷的 ja:プロジェクト， en:it_works!",
        ),
        ("今日は天気がいいですね。", "ja:今日は天気がいいですね。"),
        ("这个iPhone 15 Pro售价9,999元。", "zh:这个 en:iPhone_15_Pro zh:售价9,999元。"),
        ("I said 你好 to her.", "en:I_said_ zh:你好_ en:to_her."),
        ("彼はAppleの社員です。", "ja:彼は en:Apple ja:の社員です。"),
        ("「你好」は中国語です。", "zh:「你好」 ja:は中国語です。"),
        ("明日3時に駅前で", "ja:明日3時に駅前で"),
        ("他体重75kg，身高1.8m", "zh:他体重75kg，身高1.8m"),
        ("T恤和A座", "zh:T恤和A座"),
        ("在Windows 11系统上", "zh:在 en:Windows_ zh:11系统上"),
        ("我最喜欢的マンガ", "zh:我最喜欢的 ja:マンガ"),
        ("卡尔·马克思", "zh:卡尔·马克思"),
        ("円周率", "ja:円周率"),
        ("会議", "ja:会議"),
        ("2024年3月15日", "zh:2024年3月15日"),
        ("Hello, world 123.", "en:Hello,_world_123."),
        ("他说こんにちは然后走了", "zh:他说 ja:こんにちは zh:然后走了"),
        ("我在日本学会了ありがとう这个词", "zh:我在日本学会了 ja:ありがとう zh:这个词"),
        ("东京的日语是とうきょう", "zh:东京的日语是 ja:とうきょう"),
        ("学习日语：「食べる」是吃的意思", "zh:学习日语：「 ja:食べる」 zh:是吃的意思"),
        ("「東京大学」是日本最好的大学。", "zh:「東京大学」是日本最好的大学。"),
        ("我在日本吃了ラーメン和寿司", "zh:我在日本吃了 ja:ラーメン zh:和寿司"),
        ("看マンガ", "zh:看 ja:マンガ"),
        ("東京タワー", "ja:東京タワー"),
        ("優の良品", "ja:優の良品"),
        ("優の良品很好吃", "zh:優 ja:の zh:良品很好吃"),
        ("状況を把握、那覇空港へ行く", "ja:状況を把握、那覇空港へ行く"),
        ("鄧小平は中国の政治家", "ja:鄧小平は中国の政治家"),
        ("見た映画は《你好，李焕英》です", "ja:見た映画は《 zh:你好，李焕英》 ja:です"),
        ("彼は「你好，我是学生」と言った", "ja:彼は「 zh:你好，我是学生」 ja:と言った"),
        ("彼女は「I love you」と言った", "ja:彼女は「 en:I_love_you」 ja:と言った"),
        (
            '他问："How are you?"我说："I\'m fine."',
            'zh:他问：" en:How_are_you?" zh:我说：" en:I\'m_fine."',
        ),
        ("我喜欢这个。これはいいですね。", "zh:我喜欢这个。 ja:これはいいですね。"),
        ("私は学生です。我是学生。I am.", "ja:私は学生です。 zh:我是学生。 en:I_am."),
        ("请访问www.baidu.com或a.b@qq.com", "zh:请访问 en:www.baidu.com zh:或 en:a.b@qq.com"),
        ("公式サイトはexample.co.jpです", "ja:公式サイトは en:example.co.jp ja:です"),
        ("今日は3月15日、気温20℃", "ja:今日は3月15日、気温20℃"),
        ("「はい。」と答えた。", "ja:「はい。」と答えた。"),
        ("我……不知道", "zh:我……不知道"),
        ("我们一起去カラオケ吧", "zh:我们一起去 ja:カラオケ zh:吧"),
    ],
)
def test_each_part_is_in_the_language_that_people_read_it_in(text: str, expected: str) -> None:
    assert written(text) == expected


def test_the_table_in_the_docs() -> None:
    page = Path(__file__).parents[2] / "docs" / "mixed.md"
    table = page.read_text("utf-8").split("<!-- parts -->")[1].split("<!-- end parts -->")[0]
    rows = re.findall(r"^\| `(.+?)` \| (.+?) \|$", table, re.MULTILINE)
    assert len(rows) > 5
    for text, expected in rows:
        assert written(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Hello, World!",
        "我说Hello，它在2024年",
        "在Windows 11系统上用a.b@qq.com",
        "彼はAppleの3人とR&Bを聞く",
        "T恤和A座, 75kg, 3.14",
        "Take the 3rd of 5, it's x-ray",
    ],
)
@pytest.mark.parametrize("languages", [ALL, ("en",), ("zh",), ("zh", "en"), ("ja", "en")])
def test_full_width_letters_and_digits_count_as_their_plain_forms(
    text: str, languages: tuple[str, ...]
) -> None:
    wide = text.translate(
        {ord(c): ord(c) + 0xFEE0 for c in map(chr, range(33, 127)) if c.isalnum() or c in "&@-"}
    )
    assert wide != text
    assert [run.split(":")[0] for run in written(wide, languages).split()] == [
        run.split(":")[0] for run in written(text, languages).split()
    ]
    assert len(written(wide, languages)) == len(written(text, languages))


def test_what_tells_nothing_goes_with_its_neighbours() -> None:
    assert written("これは本です。東京。") == "ja:これは本です。 ja:東京。"
    assert written("東京。これは本です。") == "ja:東京。 ja:これは本です。"
    assert written("大阪。我们走吧。大阪。") == "zh:大阪。 zh:我们走吧。 zh:大阪。"
    assert written("東京、大阪", ("ja", "zh")) == "ja:東京、大阪"
    assert written("東京、大阪", ("zh", "ja")) == "zh:東京、大阪"


@pytest.mark.parametrize(
    ("languages", "text", "expected"),
    [
        (("zh", "en"), "看マンガnow", "zh:看 ja>zh:マンガ en:now"),
        (("ja", "en"), "看マンガnow", "ja:看マンガ en:now"),
        (("ja",), "看マンガnow", "ja:看マンガnow"),
        (("ja",), "東京大学の学生", "ja:東京大学の学生"),
        (("ja",), "我昨天在GitHub上", "zh>ja:我昨天在 ja:GitHub zh>ja:上"),
        (("ja",), "彼は「你好」と言った", "ja:彼は「 zh>ja:你好」 ja:と言った"),
        (
            ("en",),
            "Say 你好 and ありがとう.",
            "en:Say_ zh>en:你好_ en:and_ ja>en:ありがとう.",
        ),
        (("zh",), "T恤和A座", "zh:T恤和A座"),
        (("zh",), "他体重75kg", "zh:他体重75kg"),
        (("zh",), "在Windows 11系统上用mp3", "zh:在 en>zh:Windows_ zh:11系统上用 en>zh:mp zh:3"),
        (("zh",), "I have 2 cats", "en>zh:I_have_ zh:2_ en>zh:cats"),
        (("zh",), "他の家", "ja>zh:他の家"),
        (("zh", "ja"), "我用GitHub", "zh:我用 en>zh:GitHub"),
        (("zh", "ja"), "私はGitHubを使う", "ja:私はGitHubを使う"),
    ],
)
def test_a_language_that_the_voice_lacks_gets_the_sounds_of_a_neighbour(
    languages: tuple[str, ...], text: str, expected: str
) -> None:
    assert written(text, languages) == expected


def test_a_given_language_holds_for_all_of_a_stretch() -> None:
    runs = runs_of("我去東京Tower了", ALL, "zh", [(2, 9, "ja")])
    assert [run[:3] for run in runs] == [("zh", 0, 2), ("ja", 2, 9), ("zh", 9, 10)]
    [run] = runs_of("Tokyo", ("zh",), "zh", [(0, 5, "ja")], ["ja"])
    assert run == ("ja", 0, 5, "zh")


texts = st.text(
    st.one_of(
        st.sampled_from("我们这说円気東京きょうマンガーの了abcKG09 .,。、！？「」·5％é々〇@"),
        st.characters(),
    ),
    max_size=60,
)
some_languages = st.lists(st.sampled_from(ALL), min_size=1, unique=True).map(tuple)


@given(text=texts, languages=some_languages, others=some_languages)
def test_runs_cover_the_text_once_and_differ_from_their_neighbours(
    text: str, languages: tuple[str, ...], others: tuple[str, ...]
) -> None:
    foreign = [code for code in others if code not in languages]
    runs = runs_of(text, languages, languages[0], foreign=foreign)
    assert "".join(text[run.start : run.end] for run in runs) == text
    assert all(run.language in (*languages, *foreign) for run in runs)
    assert all(run.sounds in languages for run in runs)
    assert all(one[0::3] != other[0::3] for one, other in pairwise(runs))


def test_the_languages_of_a_million_characters_are_found_quickly() -> None:
    started = time.process_time()
    for text in ("東京に行く" * 200_000, "a" * 1_000_000, "你好 hello " * 100_000):
        for languages in (ALL, ("ja",), ("zh",), ("en",)):
            spoken_here(text, languages)
            foreign_here(text, languages)
    assert time.process_time() - started < 5
