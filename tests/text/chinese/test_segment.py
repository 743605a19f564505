from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vinovits.errors import MissingExtraError
from vinovits.text.chinese import read, segment
from vinovits.text.chinese.segment import halves, tag

TEXTS = (
    "老李想买小米，他在银行工作。",
    "乒乓球拍卖完了",
    "南京市长江大桥欢迎你",
    "龘靐齉爩㐂𠮷abc123",
    "她说的确实在理",
    "",
)


def test_words_are_those_of_jieba() -> None:
    import jieba
    from jieba import posseg

    plain = posseg.POSTokenizer(jieba.Tokenizer())
    for text in TEXTS:
        expected = [(pair.word, pair.flag) for pair in plain.cut(text)]
        assert [(token.text, token.part_of_speech) for token in tag(text)] == expected


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("蒙古包", ("蒙古", "包")),
        ("纸老虎", ("纸", "老虎")),
        ("人", ("人", "")),
        ("美好", ("美好", "")),
    ],
)
def test_words_have_halves(word: str, parts: tuple[str, str]) -> None:
    assert halves(word) == parts


def test_loading_prints_nothing_and_leaves_no_file(tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "pkg_resources.py").write_text("print('loaded')")
    folder = tmp_path / "temporary"
    folder.mkdir()
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from vinovits.text.chinese import read; next(read('你好'));"
            "from jieba import posseg; assert posseg.dt.word_tag_tab['北京'] == 'ns'",
        ],
        env={
            **os.environ,
            "TMPDIR": str(folder),
            "HOME": str(folder),
            "PYTHONWARNINGS": "",
            "PYTHONPATH": str(packages),
        },
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(folder.iterdir()) == []


def test_a_missing_package_names_the_command_that_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jieba", None)
    segment._loaded.cache_clear()
    try:
        with pytest.raises(MissingExtraError, match=r'pip install "vinovits\[zh\]"'):
            next(read("你好"))
    finally:
        segment._loaded.cache_clear()


def test_chinese_loads_no_other_language() -> None:
    script = (
        "import sys; from vinovits.text.chinese import read; next(read('你好2024年'));"
        "print([n for n in sys.modules if 'english' in n or 'japanese' in n or 'openjtalk' in n])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
