"""Clients of VOICEVOX speak with our voices: by a client library, and by what others send."""

from __future__ import annotations

import asyncio
import io
import json
import wave
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
import vvclient

import vinovits
from tests.serve.conftest import Running, running, settings
from vinovits import lexicons
from vinovits.engine.voice import Voice
from vinovits.output.wav import pcm16
from vinovits.places import DATA
from vinovits.serve.voices import VoiceFolders

TEXT = "今日は、いい天気ですね。橋の上で会おう。"


@pytest.fixture(scope="module")
def folders(japanese_voice: Path, tiny_voice: Path, graph_cache: Path) -> VoiceFolders:
    return VoiceFolders(
        [japanese_voice.parent, tiny_voice.parent],
        lambda folder: vinovits.load(folder, cache_dir=graph_cache),
    )


@pytest.fixture(scope="module")
def japanese_voice(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from vinovits.convert.voice import convert_checkpoint

    folder = tmp_path_factory.mktemp("nihon") / "nihon"
    convert_checkpoint(
        tiny_checkpoint / "G_0.pth", tiny_checkpoint / "config.json", folder, languages=["ja"]
    )
    return folder


@pytest.fixture(scope="module")
def server(folders: VoiceFolders, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATA, str(tmp_path_factory.mktemp("data")))
        with running(settings(voice="nihon", max_queue=64), folders) as server:
            yield server


@pytest.fixture(scope="module")
def voice(folders: VoiceFolders) -> Voice:
    return folders.get("nihon")


@pytest.fixture(scope="module")
def style(server: Running) -> int:
    """Of ann of the Japanese voice."""
    return styles(server)["nihon/ann"]


def styles(server: Running) -> dict[str, int]:
    return {one["name"]: one["styles"][0]["id"] for one in server.get("/speakers").json()}


def post(server: Running, path: str, body: Any = None, **query: Any) -> httpx2.Response:
    with server.client() as client:
        return client.post(path, params=query, json=body)


def query_of(server: Running, style: int, text: str = TEXT) -> dict[str, Any]:
    answer = post(server, "/audio_query", text=text, speaker=style)
    assert answer.status_code == 200, answer.text
    query: dict[str, Any] = answer.json()
    return query


def samples(data: bytes, rate: int = 8000, channels: int = 1) -> np.ndarray[Any, Any]:
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (
            rate,
            channels,
            2,
        )
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, channels)


def synthesis(server: Running, style: int, query: dict[str, Any], **changes: Any) -> Any:
    bare = {"prePhonemeLength": 0, "postPhonemeLength": 0, **changes}
    answer = post(server, "/synthesis", {**query, **bare}, speaker=style)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "audio/wav"
    channels = 2 if changes.get("outputStereo") else 1
    return samples(answer.content, changes.get("outputSamplingRate", 8000), channels)


def spoken(voice: Voice, text: str, **changes: Any) -> np.ndarray[Any, Any]:
    options = {"language": "ja", "markup": "off", "speaker": "ann", **changes}
    return pcm16(voice.speak(text, **options).samples).reshape(-1, 1)


def test_a_client_library_speaks(server: Running, voice: Voice, style: int) -> None:
    """The client keeps the query as it came, and sends it back."""

    async def talk() -> tuple[str, list[str], bool, bytes]:
        async with vvclient.Client(server.url) as client:
            await client.init_speaker(style)
            query = await client.create_audio_query(TEXT, style)
            return (
                await client.fetch_engine_version(),
                await client.fetch_core_versions(),
                await client.is_inited_speaker(style),
                await query.synthesis(style),
            )

    version, versions, initialised, data = asyncio.run(talk())
    assert version == vinovits.__version__
    assert versions == [version]
    assert initialised is True
    silence = np.zeros((800, 1), np.int16)
    assert np.array_equal(samples(data), np.concatenate([silence, spoken(voice, TEXT), silence]))


def test_phrases_and_lengths_are_those_of_the_speech(
    server: Running, voice: Voice, style: int
) -> None:
    query = query_of(server, style)
    assert query["kana"] == "キョ'オワ、イ'イ/テ'ンキデスネ、ハシ'ノウエデ/アオ'オ"
    assert query["text"] == TEXT
    first = query["accent_phrases"][0]
    assert [mora["text"] for mora in first["moras"]] == ["キョ", "オ", "ワ"]
    assert [mora["consonant"] for mora in first["moras"]] == ["ky", None, "w"]
    assert [mora["vowel"] for mora in first["moras"]] == ["o", "o", "a"]
    assert first["pause_mora"]["vowel"] == "pau"
    assert query["accent_phrases"][-1]["pause_mora"] is None
    spoken_sentences = voice.speak(TEXT, language="ja", markup="off", speaker="ann").sentences
    phones = [phone for one in spoken_sentences for phone in one.phones]
    length = phones[1].end - phones[1].start
    assert phones[1].phone == "ky"
    assert first["moras"][0]["consonant_length"] == pytest.approx(length, abs=1e-5)
    heard = sum(one.end - one.start for one in phones if one.phone not in "_,.")
    moras = [mora for phrase in query["accent_phrases"] for mora in phrase["moras"]]
    told = sum((mora["consonant_length"] or 0) + mora["vowel_length"] for mora in moras)
    assert told == pytest.approx(heard, abs=1e-4)


def test_an_unchanged_query_says_the_text(server: Running, voice: Voice, style: int) -> None:
    query = query_of(server, style)
    assert np.array_equal(synthesis(server, style, query), spoken(voice, TEXT))
    for path in ("/cancellable_synthesis", "/synthesis"):
        answer = post(server, path, query, speaker=style, enable_interrogative_upspeak="false")
        assert len(samples(answer.content)) == len(spoken(voice, TEXT)) + 1600


def test_a_changed_accent_is_spoken(server: Running, voice: Voice, style: int) -> None:
    query = query_of(server, style, "橋の上。")
    assert [phrase["accent"] for phrase in query["accent_phrases"]] == [2]
    query["accent_phrases"][0]["accent"] = 1
    for phrase in query["accent_phrases"]:
        for mora in phrase["moras"]:  # as the voice likes
            mora["vowel_length"] = 0
            mora["consonant_length"] = mora["consonant_length"] and 0
    expected = spoken(voice, "[橋の上|ハシノウエ:1]。", markup="plain")
    assert np.array_equal(synthesis(server, style, query), expected)
    del query["text"]  # as clients do that know the fields of VOICEVOX only
    expected = spoken(voice, "[ハシノウエ|ハシノウエ:1]。", markup="plain")
    assert np.array_equal(synthesis(server, style, query), expected)


def test_changed_lengths_and_pauses_are_spoken(server: Running, voice: Voice, style: int) -> None:
    query = query_of(server, style)
    usual = len(synthesis(server, style, query))
    slow = json.loads(json.dumps(query))
    for mora in slow["accent_phrases"][1]["moras"]:
        mora["vowel_length"] *= 3
    assert len(synthesis(server, style, slow)) > usual
    pause = json.loads(json.dumps(query))
    before = pause["accent_phrases"][0]["pause_mora"]["vowel_length"]
    pause["accent_phrases"][0]["pause_mora"]["vowel_length"] = before + 1
    assert len(synthesis(server, style, pause)) == pytest.approx(usual + 8000, abs=2)
    without = json.loads(json.dumps(query))
    without["accent_phrases"][0]["pause_mora"] = None
    assert len(synthesis(server, style, without)) == usual - round(before * 8000)
    count = sum(phrase["pause_mora"] is not None for phrase in query["accent_phrases"])
    pauses = sum(
        (p["pause_mora"] or {"vowel_length": 0})["vowel_length"] for p in query["accent_phrases"]
    )
    long = synthesis(server, style, query, pauseLength=0.5, pauseLengthScale=2)
    assert len(long) == pytest.approx(usual + (count - pauses) * 8000, abs=count + 1)


def test_scales(server: Running, voice: Voice, style: int) -> None:
    query = query_of(server, style)
    plain = spoken(voice, TEXT)
    assert np.array_equal(
        synthesis(server, style, query, speedScale=0.5), spoken(voice, TEXT, speed=0.5)
    )
    soft = synthesis(server, style, query, volumeScale=0.5)
    assert np.abs(soft.astype(int) * 2 - plain).max() <= 2
    assert not synthesis(server, style, query, volumeScale=0).any()
    both = synthesis(server, style, query, outputStereo=True)
    assert np.array_equal(both, np.repeat(plain, 2, axis=1))
    fine = synthesis(server, style, query, outputSamplingRate=24000)
    assert len(fine) == 3 * len(plain)
    lively = synthesis(server, style, query, tempoDynamicsScale=2.0)
    assert np.array_equal(lively, spoken(voice, TEXT, sdp_ratio=1.0))
    answer = post(server, "/synthesis", {**query, "pitchScale": 0.1}, speaker=style)
    assert answer.headers["x-ignored"] == "pitchScale"


def test_the_notation_is_read(server: Running, voice: Voice, style: int) -> None:
    answer = post(
        server, "/accent_phrases", text="ハシデ'/アオ'ー、ネ'？", speaker=style, is_kana="true"
    )
    assert answer.status_code == 200, answer.text
    phrases = answer.json()
    assert [phrase["accent"] for phrase in phrases] == [3, 2, 1]
    assert [phrase["is_interrogative"] for phrase in phrases] == [False, False, True]
    assert phrases[1]["pause_mora"]["vowel_length"] > 0
    assert all(mora["vowel_length"] > 0 for phrase in phrases for mora in phrase["moras"])
    body = {**query_of(server, style), "accent_phrases": phrases, "text": None}
    expected = spoken(voice, "[ハシデ|ハシデ:0][アオオ|アオオ:2]、[ネ|ネ:0]？", markup="plain")
    assert np.array_equal(synthesis(server, style, body), expected)
    for path in ("/mora_data", "/mora_length"):
        for phrase in phrases:
            phrase["moras"][0]["vowel_length"] = 9
        assert post(server, path, phrases, speaker=style).json() == answer.json()
    assert post(server, "/mora_pitch", phrases, speaker=style).json() == phrases
    assert post(server, "/validate_kana", text="ハ'イ").json() is True
    for text, name in (
        ("ハイ", "ACCENT_NOTFOUND"),
        ("'ハイ", "ACCENT_TOP"),
        ("ハ''イ", "ACCENT_TWICE"),
        ("ハ'イ//ハ'イ", "EMPTY_PHRASE"),
        ("ハ？'イ", "INTERROGATION_MARK_NOT_AT_END"),
        ("ha'i", "UNKNOWN_TEXT"),
        ("ー'", "UNKNOWN_TEXT"),
    ):
        wrong = post(server, "/accent_phrases", text=text, speaker=style, is_kana="true")
        assert wrong.status_code == 400, text
        assert wrong.json()["detail"]["error_name"] == name
        assert post(server, "/validate_kana", text=text).status_code == 400


def test_voices_of_other_languages_speak(server: Running, folders: VoiceFolders) -> None:
    style = styles(server)["tiny/bob"]
    text = "Hello there, you!"
    query = query_of(server, style, text)
    assert [phrase["moras"][0]["text"] for phrase in query["accent_phrases"]] == [
        "Hello",
        "there",
        "you",
    ]
    expected = pcm16(folders.get("tiny").speak(text, speaker="bob").samples).reshape(-1, 1)
    assert np.array_equal(synthesis(server, style, query), expected)
    del query["text"]
    assert np.array_equal(synthesis(server, style, query), expected)
    query["accent_phrases"][0]["moras"][0]["text"] = "Good"
    answer = post(server, "/synthesis", query, speaker=style)
    assert answer.status_code == 422
    assert "doesn't speak Japanese" in answer.json()["detail"]


def test_several_queries_come_in_a_zip(server: Running, voice: Voice, style: int) -> None:
    queries = [query_of(server, style, text) for text in ("はい。", "いいえ。")]
    answer = post(server, "/multi_synthesis", queries, speaker=style)
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["001.wav", "002.wav"]
        for name, text in (("001.wav", "はい。"), ("002.wav", "いいえ。")):
            assert np.array_equal(samples(archive.read(name))[800:-800], spoken(voice, text))


def test_speakers_are_told_and_keep_their_numbers(
    server: Running, folders: VoiceFolders, japanese_voice: Path, graph_cache: Path
) -> None:
    speakers = server.get("/speakers").json()
    found = styles(server)
    assert list(found)[:2] == ["nihon/ann", "nihon/bob"]
    assert len(set(found.values())) == len(found)
    info = server.get("/speaker_info", params={"speaker_uuid": speakers[0]["speaker_uuid"]})
    assert info.json()["style_infos"][0]["id"] == found["nihon/ann"]
    assert server.get("/speaker_info", params={"speaker_uuid": "x"}).status_code == 404
    assert server.get("/singers").json() == []
    assert server.get("/supported_devices").json()["cpu"] is True
    assert server.get("/engine_manifest").json()["supported_features"]["adjust_mora_pitch"] is False
    # Others come, these stay; small numbers take the first ones.
    alone = VoiceFolders([japanese_voice.parent], lambda folder: folders.get("nihon"))
    with running(settings(voice="nihon"), alone) as other:
        assert styles(other)["nihon/bob"] == found["nihon/bob"]
    first = query_of(server, 0)
    assert first == query_of(server, found["nihon/ann"])


def test_the_dictionary_is_the_lexicon(server: Running, style: int) -> None:
    def words() -> Any:
        return server.get("/user_dict").json()

    assert words() == {}
    one = {"surface": "橋本", "pronunciation": "ハシモトン", "accent_type": 2, "priority": 7}
    answer = post(server, "/user_dict_word", word_type="PROPER_NOUN", **one)
    assert answer.status_code == 200, answer.text
    key = answer.json()
    assert words()[key]["pronunciation"] == "ハシモトン"
    assert (words()[key]["accent_type"], words()[key]["priority"]) == (2, 7)
    assert query_of(server, style, "橋本。")["kana"] == "ハシ'モトン"
    with server.client() as client:
        changed = {"surface": "Hashi", "pronunciation": "はしもと", "accent_type": 0}
        path = f"/user_dict_word/{key}"
        assert client.put(path, params=changed).status_code == 204
        assert words()[key]["surface"] == "Ｈａｓｈｉ"
        assert query_of(server, style, "橋本。")["kana"] == "ハシモト'"
        assert len(words()) == 1
        assert client.delete(path).status_code == 204
        assert words() == {}
        assert client.delete(path).status_code == 422
        for wrong in (
            {**one, "pronunciation": "hashi"},
            {**one, "accent_type": 6},
            {**one, "accent_type": -1},
            {**one, "surface": " "},
            {**one, "surface": "a\nb"},
            {**one, "priority": 11},
        ):
            assert post(server, "/user_dict_word", **wrong).status_code == 422, wrong
        post(server, "/user_dict_word", **one)
        kept = words()
        word = next(iter(kept.values()))
        others = {key: {**word, "accent_type": 1}, "other": {**word, "surface": "木村"}}
        post(server, "/import_user_dict", others, override="false")
        assert {w["surface"]: w["accent_type"] for w in words().values()} == {"橋本": 2, "木村": 2}
        post(server, "/import_user_dict", others, override="true")
        assert {w["surface"]: w["accent_type"] for w in words().values()} == {"橋本": 1, "木村": 2}
        assert [entry.written for entry in lexicons.entries_of(lexicons.user_file())] == [
            "橋本",
            "木村",
        ]
        for key in words():
            client.delete(f"/user_dict_word/{key}")


@pytest.mark.parametrize(
    ("path", "query", "body"),
    [
        ("/audio_query", {"text": "はい"}, None),
        ("/audio_query", {"speaker": 0}, None),
        ("/audio_query", {"text": "はい", "speaker": 987654321}, None),
        ("/audio_query", {"text": "はい", "speaker": -1}, None),
        ("/audio_query", {"text": "はい", "speaker": 10**40}, None),
        ("/audio_query", {"text": "…", "speaker": 0}, None),
        ("/synthesis", {"speaker": 0}, {}),
        ("/synthesis", {"speaker": 0}, {"accent_phrases": []}),
        ("/synthesis", {"speaker": 0}, {"accent_phrases": [{"moras": [], "accent": 1}]}),
        ("/synthesis", {"speaker": 0}, {"accent_phrases": [], "speedScale": 99}),
        (
            "/synthesis",
            {"speaker": 0},
            {
                "accent_phrases": [
                    {"moras": [{"text": "]", "vowel": "a", "vowel_length": 0}], "accent": 1}
                ]
            },
        ),
        ("/multi_synthesis", {"speaker": 0}, []),
        (
            "/mora_data",
            {"speaker": 0},
            [{"moras": [{"text": "x", "vowel": "a", "vowel_length": 0}], "accent": 1}],
        ),
        ("/import_user_dict", {"override": "true"}, {"a": {"surface": "x"}}),
        ("/initialize_speaker", {"speaker": 5555}, None),
    ],
)
def test_wrong_requests_are_refused(
    server: Running, path: str, query: dict[str, Any], body: Any
) -> None:
    answer = post(server, path, body, **query)
    assert answer.status_code == 422, answer.text
    assert answer.json().keys() == {"detail"}


def test_markup_in_a_text_is_text(server: Running, voice: Voice, style: int) -> None:
    text = "東京[slow]へ[/slow]"
    query = query_of(server, style, text)
    assert np.array_equal(synthesis(server, style, query), spoken(voice, text))
    query["accent_phrases"][0]["accent"] = 1
    assert len(synthesis(server, style, query)) > 0


def test_no_writing_where_lexicons_are_fixed(
    folders: VoiceFolders,
) -> None:
    with running(settings(voice="nihon", change_lexicon=False), folders) as server:
        one = {"surface": "橋本", "pronunciation": "ハシモトン", "accent_type": 2}
        assert post(server, "/user_dict_word", **one).status_code == 403
        assert post(server, "/import_user_dict", {}, override="true").status_code == 403
