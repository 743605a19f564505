"""What people do with the page."""

from __future__ import annotations

import base64
import io
import json
import time
from pathlib import Path
from urllib.parse import urlsplit

import av
import axe_core_python
import httpx2
import pytest
import soundfile
from selenium.webdriver.common.keys import Keys

from tests.books.files import write_epub
from tests.page.conftest import TABS, Page, Served, serve

TEXT = "Hello there. This is a longer second sentence, with a pause!"
AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def test_type_speak_and_hear(page: Page, served: Served) -> None:
    page.type("#vv-text textarea", TEXT)
    page.click("#vv-speak")
    take = page.spoken()
    assert page.until("document.querySelector('#vv-take-list audio').duration") > 0.05
    # It could be heard before all of it was there.
    first, last = (float(take.get_attribute(f"data-{name}") or 0) for name in ("first", "last"))
    assert 0 < first < last
    page.js("document.querySelector('#vv-take-list audio').play()")
    page.until("document.querySelector('#vv-take-list audio').currentTime > 0.05")
    canvas = "document.querySelector('#vv-take-list canvas')"
    drawn = f"{canvas}.getContext('2d').getImageData(0, 0, {canvas}.width, {canvas}.height).data"
    assert page.js(f"{drawn}.some(value => value > 0)")
    page.shot("speak")

    # The samples are those of the interface for programs.
    wav = page.bytes_of("#vv-take-list audio", "src")
    body = {"text": TEXT, "voice": "tiny", "seed": 0, "reply": "json"}
    body |= {"subtitles": ["srt", "vtt", "lrc"]}
    answer = httpx2.post(f"{served.url}/api/speak", json=body, timeout=60).json()
    ours, theirs = (
        soundfile.read(io.BytesIO(data), dtype="int16")
        for data in (wav, base64.b64decode(answer["audio"]))
    )
    assert ours[1] == theirs[1]
    assert (ours[0] == theirs[0]).all()
    for kind, text in answer["subtitles"].items():
        selector = f'#vv-take-list a[download="speech.{kind}"]'
        assert page.bytes_of(selector, "href").decode("utf-8") == text


def test_a_seed_repeats_and_another_differs(page: Page) -> None:
    page.type("#vv-text textarea", TEXT)
    page.find("#vv-text textarea").send_keys(Keys.CONTROL, Keys.ENTER)
    page.spoken()
    first = page.bytes_of("#vv-take-list audio", "src")
    page.click("#vv-again")
    page.until("document.querySelectorAll('#vv-take-list article').length === 2")
    page.spoken()
    assert page.bytes_of("#vv-take-list audio", "src") == first
    page.click("#vv-another")
    page.until("document.querySelectorAll('#vv-take-list article').length === 3")
    seed = page.spoken().get_attribute("data-seed")
    other = page.bytes_of("#vv-take-list audio", "src")
    assert other != first
    assert page.until("document.querySelector('#vv-seed input').value") == seed

    # A and B, and what they differ in.
    page.click("#vv-take-list article:nth-child(1) [data-action=a]")
    page.click("#vv-take-list article:nth-child(2) [data-action=b]")
    page.until("document.querySelector('.vv-compare').innerText.includes('Seed')")
    page.click("[data-play=a]")
    page.until("document.querySelector('[data-play=a]').ariaPressed === 'true'")
    page.click("[data-play=b]")
    page.until("document.querySelector('[data-play=a]').ariaPressed === 'false'")

    # The link makes the same take again, in a page that knows nothing of it.
    page.click("#vv-take-list article:nth-child(1) [data-action=link]")
    link = page.until("document.querySelector('#vv-take-list article p a')?.href")
    page.open(urlsplit(link).query)
    assert page.until("document.querySelector('#vv-text textarea').value") == TEXT
    page.click("#vv-speak")
    page.spoken()
    assert page.bytes_of("#vv-take-list audio", "src") == other

    # So does the history.
    page.click("#vv-history summary")
    page.click("#vv-history li:nth-child(2) button")
    page.until("document.querySelectorAll('#vv-take-list article').length === 2")
    page.spoken()
    assert page.bytes_of("#vv-take-list audio", "src") == first


def test_pauses_and_mixed_text(page: Page) -> None:
    def seconds(query: str) -> float:
        page.open(f"lang=en&voice=tiny&{query}")
        page.click("#vv-speak")
        page.spoken()
        return float(page.until("document.querySelector('#vv-take-list audio').duration"))

    text = "text=One%20two.%0AThree%20four."
    plain = seconds(text)
    by_sentence = seconds(f"{text}&cut=sentence&sentence_pause=0&paragraph_pause=3")
    assert by_sentence > plain + 1.5
    turns = seconds("language=mixed&text=%5Bann%5D%3Cen%3EOne%20two.%0A%5Bbob%5D%3Cen%3EThree.")
    assert turns > 0.02
    page.open("lang=en&voice=tiny&language=mixed&text=One")
    page.click("#vv-speak")
    told = page.until("document.querySelector('#vv-take-list [role=alert]')?.innerText")
    assert "[Ann]<en>" in told


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "empty"),
        ("[pause long]", "pause"),
        ("x" * 4097, "4096 are taken"),
    ],
)
def test_faults_are_sentences(page: Page, text: str, sentence: str) -> None:
    field = "document.querySelector('#vv-text textarea')"
    page.js(f"{field}.value = arguments[0]", text)
    page.js(f"{field}.dispatchEvent(new Event('input', {{bubbles: true}}))")
    page.click("#vv-speak")
    told = page.until("document.querySelector('#vv-take-list [role=alert]')?.innerText")
    assert sentence in told
    assert "Traceback" not in page.js("document.body.innerText")


def test_controls_are_those_of_the_voice(page: Page) -> None:
    def shown(selector: str) -> bool:
        return bool(page.js("document.querySelector(arguments[0])?.offsetParent", selector))

    page.click("#vv-mood button")
    page.until("document.querySelector('#vv-assist-text')?.offsetParent")
    assert shown("#vv-speaker")
    assert not shown("#vv-style")
    assert not shown("#vv-emotion-kind")
    page.choose("#vv-voice", "styled")
    page.until("document.querySelector('#vv-style')?.offsetParent")
    assert shown("#vv-emotion-kind")
    assert not shown("#vv-recording")


def send_no_sound(page: Page, field: str, path: Path) -> None:
    """Give a field of recordings a file that is none."""
    path.write_bytes(b"RIFF this is no sound at all" * 10)
    page.find(field).send_keys(str(path))


def test_a_wrong_recording_is_told_and_a_right_one_taken(page: Page, tmp_path: Path) -> None:
    page.open("lang=en&voice=styled&emotion_kind=audio")
    page.click("#vv-mood button")
    page.until("document.querySelector('#vv-recording input[type=file]')")
    send_no_sound(page, "#vv-recording input[type=file]", tmp_path / "wrong.wav")
    sentence = "wrong.wav is no recording that can be read."
    page.until("document.body.innerText.includes(arguments[0])", sentence)
    assert "Traceback" not in page.js("document.body.innerText")
    page.shot("wrong-file")
    page.open("lang=en&voice=styled&emotion_kind=audio")
    page.click("#vv-mood button")
    right = tmp_path / "right.wav"
    soundfile.write(right, [0.1, -0.1] * 8000, 16000)
    page.until("document.querySelector('#vv-recording input[type=file]')")
    page.find("#vv-recording input[type=file]").send_keys(str(right))
    page.until("document.querySelector('#vv-recording-note').innerText.includes('1.0 s')")


def test_languages_of_the_page(page: Page) -> None:
    page.open("lang=ja")
    assert page.js("document.documentElement.lang") == "ja"
    assert page.find("#vv-speak").text == "話す"
    page.js("document.querySelector('#vv-language').value = 'zh'")
    page.js(
        "document.querySelector('#vv-language').dispatchEvent(new Event('change', {bubbles: true}))"
    )
    page.until("document.querySelector('#vv-speak')?.innerText.trim() === '朗读'")
    page.until("document.title === 'vinovits：语音合成'")
    page.shot("chinese")
    # It is remembered, and the browser's own language counts where nothing was chosen.
    page.open("")
    assert page.find("#vv-speak").text == "朗读"
    page.js("localStorage.clear()")
    page.open("")
    assert page.find("#vv-speak").text == "Speak"


def test_readings_are_shown_changed_and_heard(page: Page) -> None:
    page.tab("read")
    page.until("document.querySelector('#vv-read-text textarea')?.offsetParent")
    page.type("#vv-read-text textarea", "A tomato, please.")
    page.click("#vv-read")
    row = "[...document.querySelectorAll('#vv-readings tbody tr')][1]"
    assert page.until(f"{row}?.querySelector('th').innerText") == "tomato"
    page.js(f"{row}.querySelector('input').value = 'T AH0 M AA1 T OW0'")
    page.shot("read")
    page.js(f"{row}.querySelector('button').click()")
    page.until(f"{row}.querySelector('button').dataset.played")
    page.click("#vv-read-apply")
    changed = "A [tomato|T AH0 M AA1 T OW0], please."
    page.until("document.querySelector('#vv-read-text textarea').value === arguments[0]", changed)
    page.until(f"{row}?.lastChild.innerText.includes('markup')")
    page.click("#vv-read-speak")
    page.until("document.querySelector('#vv-text textarea').value === arguments[0]", changed)
    page.click("#vv-speak")
    page.spoken()


def test_a_book_becomes_a_file(page: Page, tmp_path: Path) -> None:
    page.tab("book")
    page.until("document.querySelector('#vv-book-text textarea')?.offsetParent")
    wrong = tmp_path / "book.txt"
    wrong.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe\x00")
    page.find("#vv-book-file").send_keys(str(wrong))
    told = page.until("document.querySelector('#vv-book-note [role=alert]')?.innerText")
    assert told.startswith("book.txt isn't a text file")
    right = tmp_path / "right.txt"
    right.write_text("Chapter one. It was dark.\n\nThen it was not.\n\nThe end.", encoding="utf-8")
    page.find("#vv-book-file").send_keys(str(right))
    page.until("document.querySelector('#vv-book-note [role=status]')")
    page.click("#vv-book-start")
    page.until("document.querySelector('#vv-jobs article')")
    page.until("document.querySelector('#vv-jobs article').dataset.state === 'done'")
    page.shot("book")
    audio = page.bytes_of('#vv-jobs a[download="speech.mp3"]', "href")
    samples, rate = soundfile.read(io.BytesIO(audio))
    assert len(samples) > rate / 2
    subtitles = page.bytes_of('#vv-jobs a[download="speech.srt"]', "href").decode("utf-8")
    assert "Then it was not." in subtitles
    pages = {f"{name}.xhtml": f"<h1>{name}</h1><p>It was dark.</p>" for name in ("One", "Two")}
    epub = write_epub(tmp_path / "novel.epub", pages, [(name[:3], name) for name in pages])
    page.find("#vv-book-file").send_keys(str(epub))
    told = page.until("document.querySelector('#vv-book-note [role=status]')?.innerText")
    assert told.startswith("novel.epub will be read")
    page.click("#vv-book-start")
    first = "document.querySelector('#vv-jobs article')"
    page.until(f"{first}.innerText.includes('The Book') && {first}.dataset.state === 'done'")
    page.js(f"{first}.querySelector('summary').click()")
    assert "One · 00:00:00" in page.js(f"{first}.querySelector('details').innerText")
    page.shot("book_chapters")
    audio = page.bytes_of('#vv-jobs article:first-child a[download="speech.mp3"]', "href")
    with av.open(io.BytesIO(audio)) as file:
        assert [one["metadata"]["title"] for one in file.chapters()] == ["One", "Two"]
    subtitles = page.bytes_of('#vv-jobs article:first-child a[download="speech.srt"]', "href")
    assert b"It was dark." in subtitles
    broken = tmp_path / "broken.epub"
    broken.write_bytes(b"no book")
    page.find("#vv-book-file").send_keys(str(broken))
    page.click("#vv-book-start")
    told = page.until("document.querySelector('#vv-book-note [role=alert]')?.innerText")
    assert "is broken" in told


def test_voices_lexicon_and_status(page: Page) -> None:
    page.tab("voices")
    cards = page.until("document.querySelector('.vv-cards')?.innerText")
    assert "CC0-1.0" in cards
    sample = "document.querySelector('[data-sample][data-voice=tiny]')"
    page.js(f"{sample}.click()")
    page.until(f"{sample}.dataset.played")
    page.shot("voices")

    page.tab("lexicon")
    page.until("document.querySelector('#vv-lexicon .vv-scroll')")
    page.type("#vv-lexicon-word input, #vv-lexicon-word textarea", "Nguyen")
    page.type("#vv-lexicon-reading input, #vv-lexicon-reading textarea", "W IH1 N")
    page.click("#vv-lexicon-put")
    page.until("document.querySelector('#vv-lexicon tbody')?.innerText.includes('W IH1 N')")
    page.shot("lexicon")
    page.type("#vv-lexicon-reading input, #vv-lexicon-reading textarea", "nonsense QQ9")
    page.click("#vv-lexicon-put")
    assert "QQ9" in page.until("document.querySelector('#vv-lexicon [role=alert]')?.innerText")
    page.js("document.querySelector('#vv-lexicon tbody button').click()")
    page.until("!document.querySelector('#vv-lexicon tbody')")

    page.tab("status")
    page.until("document.querySelector('#vv-status table')")
    status = page.js("document.querySelector('#vv-status').innerText")
    assert "decoder" in status
    assert "CPU" in status
    assert "openvino" in status
    page.shot("status")


@pytest.mark.extra
def test_an_upload_becomes_a_voice(page: Page, tiny_checkpoint: Path) -> None:
    page.tab("voices")
    page.until("document.querySelector('.vv-cards')")
    page.click("#vv-convert button")
    page.until("document.querySelector('#vv-convert-files input[type=file]')")
    names = "\n".join(str(tiny_checkpoint / name) for name in ("G_0.pth", "config.json"))
    page.find("#vv-convert-files input[type=file]").send_keys(names)
    page.until("document.querySelector('#vv-convert-files').innerText.includes('config')")
    page.type("#vv-convert-name input, #vv-convert-name textarea", "brought")
    page.click("#vv-convert-start")
    page.until("document.querySelector('#vv-card-brought')")
    # The same once more can't be, and a sentence says so.
    page.click("#vv-convert-start")
    page.until("document.body.innerText.includes('Choose a checkpoint and its config.json first.')")


def test_a_training_takes_recordings_and_refuses_others(page: Page, tmp_path: Path) -> None:
    page.tab("train")
    page.until("document.querySelector('#vv-train-new')?.offsetParent")
    page.type("#vv-train-new input, #vv-train-new textarea", "mine")
    page.click("#vv-train-create")
    page.until("document.querySelector('#vv-train-name input').value === 'mine'")
    page.until("document.querySelector('#vv-train-status').innerText.includes('Recordings: 0')")
    page.until("document.querySelector('#vv-train-files input[type=file]')")
    send_no_sound(page, "#vv-train-files input[type=file]", tmp_path / "wrong.wav")
    page.until("document.body.innerText.includes('wrong.wav is no recording that can be read.')")
    page.open()
    page.tab("train")
    page.until("document.querySelector('#vv-train-files input[type=file]')")
    page.until("document.querySelector('#vv-train-name input').value === 'mine'")
    right = tmp_path / "right.wav"
    soundfile.write(right, [0.1, -0.1] * 8000, 16000)
    page.find("#vv-train-files input[type=file]").send_keys(str(right))
    page.until("document.querySelector('#vv-train-status').innerText.includes('Recordings: 1')")
    page.click("#vv-train-prepare")
    page.until("document.querySelector('#vv-train-status').innerText.includes('prepared')")
    page.click("#vv-train-report button")
    page.until("document.querySelector('#vv-train-report').textContent.includes('is no text')")
    assert "Traceback" not in page.js("document.body.textContent")
    page.shot("train")


def test_nothing_leaves_for_the_internet(page: Page, served: Served) -> None:
    for key in TABS:
        page.tab(key)
    page.tab("speak")
    page.type("#vv-text textarea", "Hello.")
    page.click("#vv-speak")
    page.spoken()
    asked = page.requests()
    assert asked
    abroad = [one for one in asked if not one.startswith((served.url, "data:", "blob:"))]
    assert not abroad
    assert "ABROAD" not in served.log.read_text()
    document = httpx2.get(served.url, timeout=60)
    for word in ("googleapis", "gstatic", "cdnjs", "huggingface.co", "githubusercontent"):
        assert word not in document.text
    assert page.faults() == []


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_serious_fault(page: Page, dark: bool) -> None:
    if dark:
        page.darken()
        page.open()
    page.type("#vv-text textarea", "Hello there.")
    page.click("#vv-speak")
    page.spoken()
    page.browser.execute_script(AXE)
    for key in TABS:
        page.tab(key)
        time.sleep(0.5)  # colours change slowly
        found = page.browser.execute_async_script(
            "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']})"
            ".then(one => done(one.violations.map(v => "
            "[v.impact, v.id, v.nodes.map(n => n.html.slice(0, 200))])));"
        )
        serious = [one for one in found if one[0] in ("serious", "critical")]
        assert not serious, (key, json.dumps(serious, indent=1))
        if dark:
            page.shot(f"dark-{key}")


def test_a_phone_is_wide_enough(page: Page) -> None:
    page.narrow(390)
    page.open()
    page.type("#vv-text textarea", TEXT)
    page.click("#vv-speak")
    page.spoken()
    for key in TABS:
        page.tab(key)
        page.until("document.querySelector('#vv-tabs')")
        time.sleep(0.3)
        wide, there = page.js("[document.documentElement.scrollWidth, window.innerWidth]")
        assert there == 390
        assert wide <= 390, key
        if key == "speak":
            page.shot("phone")


def test_the_end_of_the_server_closes_open_pages(
    chromium: object, artefacts: Path, voice_folders: Path, tmp_path: Path
) -> None:
    server = serve(voice_folders, data=tmp_path)
    page = Page(chromium, server.url, artefacts)
    page.open()
    page.tab("train")
    page.until("document.querySelector('#vv-train-off')?.innerText.includes('--train-dir DIR')")
    page.tab("speak")
    assert server.stop() < 60  # an open page would hold it for 120
    page.type("#vv-text textarea", "Hello.")
    page.click("#vv-speak")
    told = page.until("document.querySelector('#vv-take-list [role=alert]')?.innerText")
    assert "can't be reached" in told
