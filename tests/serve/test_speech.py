"""Speech over HTTP is the speech of the engine, for every kind of client."""

from __future__ import annotations

import base64
import concurrent.futures
import io
import json
import struct
from typing import Any

import numpy as np
import openai
import pytest
import soundfile

from tests.serve.conftest import TEXT, Running
from vinovits.engine.voice import Voice
from vinovits.output.wav import UNKNOWN_SIZE, pcm16


def samples(voice: Voice, text: str = TEXT, **settings: Any) -> bytes:
    return pcm16(voice.speak(text, **settings).samples).tobytes()


def wav_body(**changes: Any) -> dict[str, Any]:
    body = {"model": "vinovits", "voice": "tiny", "input": TEXT, "response_format": "wav"}
    return {**body, **changes}


def test_streamed_wav_has_the_samples_of_the_engine(served: Running, voice: Voice) -> None:
    answer = served.post("/v1/audio/speech", wav_body(seed=5, speed=1.2, speaker="bob"))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.headers["x-seed"] == "5"
    assert answer.headers["x-sampling-rate"] == "8000"
    data = answer.content
    assert data[:4] + data[8:16] == b"RIFFWAVEfmt "
    assert struct.unpack("<I", data[4:8]) == struct.unpack("<I", data[40:44]) == (UNKNOWN_SIZE,)
    assert data[44:] == samples(voice, seed=5, speed=1.2, speaker="bob")


def test_each_setting_reaches_the_engine(served: Running, voice: Voice) -> None:
    given = {
        "seed": 3,
        "speed": 0.9,
        "sdp_ratio": 0.7,
        "noise": 0.4,
        "noise_w": 0.5,
        "pause": 0.25,
        "speaker": 1,
        "language": "en",
        "markup": "off",
        "reading": "released",
        "lexicon": {"there": "T AH0 M AA1 T OW0"},
        "assist_text": "I am so happy!",
        "assist_weight": 0.3,
    }
    plain = samples(voice)
    for name, value in given.items():
        together = {"assist_text": "I am glad."} if name == "assist_weight" else {}
        answer = served.post("/v1/audio/speech", wav_body(**together, **{name: value}))
        assert answer.status_code == 200, answer.text
        assert answer.content[44:] == samples(voice, **together, **{name: value}), name
        if name in ("seed", "speed", "speaker", "noise", "pause"):
            assert answer.content[44:] != plain, name


@pytest.mark.parametrize("kind", ["mp3", "flac", "opus", "wav", "pcm"])
def test_every_format_decodes_to_the_speech(served: Running, voice: Voice, kind: str) -> None:
    answer = served.post("/v1/audio/speech", wav_body(response_format=kind))
    assert answer.status_code == 200, answer.text
    seconds = voice.speak(TEXT).seconds
    if kind == "pcm":  # OpenAI's clients take 24 kHz for granted
        assert answer.headers["x-sampling-rate"] == "24000"
        assert len(answer.content) / 48000 == pytest.approx(seconds, abs=0.001)
    elif kind == "wav":
        assert (len(answer.content) - 44) / 16000 == seconds
    else:
        back, rate = soundfile.read(io.BytesIO(answer.content), dtype="float32")
        assert len(back) / rate == pytest.approx(seconds, abs=0.25)
        assert np.abs(back).max() > 0.1 * np.abs(voice.speak(TEXT).samples).max()


def test_bare_samples_at_the_voices_own_rate(served: Running, voice: Voice) -> None:
    answer = served.post("/v1/audio/speech", wav_body(response_format="pcm", sample_rate=8000))
    assert answer.content == samples(voice)


def test_a_speaker_may_be_named_with_the_voice(served: Running, voice: Voice) -> None:
    answer = served.post("/v1/audio/speech", wav_body(voice="tiny/bob"))
    assert answer.content[44:] == samples(voice, speaker="bob")
    both = served.post("/v1/audio/speech", wav_body(voice="tiny/bob", speaker="ann"))
    assert both.status_code == 400
    assert both.json()["error"]["param"] == "speaker"


def test_a_random_seed_is_told_and_repeats_the_take(served: Running, voice: Voice) -> None:
    first = served.post("/v1/audio/speech", wav_body(seed="random"))
    seed = int(first.headers["x-seed"])
    assert first.content[44:] == samples(voice, seed=seed)


def test_instructions_without_a_use_are_told(served: Running, voice: Voice) -> None:
    answer = served.post("/v1/audio/speech", wav_body(instructions="Speak like a pirate."))
    assert answer.headers["x-ignored"] == "instructions"
    assert answer.content[44:] == samples(voice)


def test_events_carry_the_same_audio(served: Running, voice: Voice) -> None:
    answer = served.post("/v1/audio/speech", wav_body(stream_format="sse"))
    assert answer.headers["content-type"] == "text/event-stream"
    events = [json.loads(line[6:]) for line in answer.text.split("\n\n") if line]
    *deltas, last = events
    assert len(deltas) > 2
    assert {event["type"] for event in deltas} == {"speech.audio.delta"}
    audio = b"".join(base64.b64decode(event["audio"]) for event in deltas)
    assert audio[44:] == samples(voice)
    assert last["type"] == "speech.audio.done"
    assert last["usage"]["input_tokens"] == len(TEXT)


def test_the_real_openai_client_speaks_streams_and_sees_errors(
    served: Running, voice: Voice
) -> None:
    client = openai.OpenAI(base_url=f"{served.url}/v1", api_key="unused", max_retries=0)
    whole = client.audio.speech.create(
        model="tts-1", voice="tiny", input=TEXT, response_format="wav", extra_body={"seed": 2}
    )
    assert whole.content[44:] == samples(voice, seed=2)
    with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="tiny", input=TEXT, response_format="wav"
    ) as stream:
        pieces = list(stream.iter_bytes())
    assert b"".join(pieces)[44:] == samples(voice)
    assert [model.id for model in client.models.list()] == ["vinovits"]
    with pytest.raises(openai.BadRequestError) as bad:
        client.audio.speech.create(model="tts-1", voice="nobody", input=TEXT)
    assert bad.value.code == "voice_not_found"
    assert "tiny" in str(bad.value)
    with pytest.raises(openai.NotFoundError):
        client.audio.speech.create(model="gpt-9", voice="tiny", input=TEXT)


def test_json_has_audio_timings_subtitles_and_seed(served: Running, voice: Voice) -> None:
    body = {"text": TEXT, "reply": "json", "seed": 4, "subtitles": ["srt", "vtt", "lrc"]}
    answer = served.post("/api/speak", body)
    assert answer.status_code == 200, answer.text
    data = answer.json()
    audio = voice.speak(TEXT, seed=4)
    back, rate = soundfile.read(io.BytesIO(base64.b64decode(data["audio"])), dtype="int16")
    assert rate == data["sampling_rate"] == 8000
    np.testing.assert_array_equal(back, pcm16(audio.samples))
    assert data["seed"] == 4
    assert data["voice"] == "tiny"
    assert data["seconds"] == pytest.approx(audio.seconds, abs=1e-4)
    assert [one["text"] for one in data["sentences"]] == [one.text for one in audio.sentences]
    assert data["sentences"][0]["words"][0]["text"] == "Hello"
    assert data["sentences"][0]["phones"]
    assert data["subtitles"]["srt"].startswith("1\n00:00:00,")
    assert data["subtitles"]["vtt"].startswith("WEBVTT")
    assert data["subtitles"]["lrc"].startswith("[re:vinovits]")


def test_our_own_speech_is_a_wav_of_the_default_voice(served: Running, voice: Voice) -> None:
    answer = served.post("/api/speak", {"text": TEXT})
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.content[44:] == samples(voice)


def test_readings_are_those_of_the_voice(served: Running, voice: Voice) -> None:
    answer = served.post("/api/read", {"text": TEXT, "lexicon": {"there": "T AH0 M AA1"}})
    assert answer.status_code == 200, answer.text
    words = [word for one in answer.json()["sentences"] for word in one["words"]]
    read = [
        word for one in voice.read(TEXT, lexicon={"there": "T AH0 M AA1"}) for word in one.words
    ]
    assert [word["reading"] for word in words] == [word.reading for word in read]
    there = next(word for word in words if word["text"] == "there")
    assert there["source"] == "lexicon"


def test_lists_name_voices_and_speakers_but_no_paths(served: Running) -> None:
    voices = served.get("/api/voices").json()
    tiny = next(one for one in voices["voices"] if one["name"] == "tiny")
    assert tiny["speakers"] == ["ann", "bob"]
    assert tiny["languages"] == ["en"]
    assert tiny["card"]["licence"] == "CC0-1.0"
    assert tiny["loaded"] is True
    assert voices["default"] == "tiny"
    ids = [one["id"] for one in served.get("/v1/audio/voices").json()["voices"]]
    assert {"tiny", "tiny/ann", "tiny/bob"} <= set(ids)
    for path in ("/api/voices", "/v1/audio/voices", "/health"):
        assert "/tmp" not in served.get(path).text


def test_sixteen_clients_at_once_get_their_own_audio(served: Running, voice: Voice) -> None:
    texts = [f"Client number {number} says something of its own." for number in range(16)]
    expected = [samples(voice, text, seed=seed) for seed, text in enumerate(texts)]
    assert len(set(expected)) == 16

    def ask(seed: int) -> list[bytes]:
        with served.client() as client:
            bodies = [wav_body(input=texts[seed], seed=seed)] * 3
            answers = [client.post("/v1/audio/speech", json=body) for body in bodies]
        assert [answer.status_code for answer in answers] == [200] * 3
        return [answer.content[44:] for answer in answers]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        heard = list(pool.map(ask, range(16)))
    assert heard == [[audio] * 3 for audio in expected]


def test_speakers_are_mixed(served: Running, voice: Voice) -> None:
    mix = {"ann": 0.7, "bob": 0.3}
    answer = served.post("/v1/audio/speech", wav_body(speaker=mix))
    assert answer.content[44:] == samples(voice, speaker=mix)
    for wrong in ({}, {"ann": -1}, {"nobody": 1}, {"ann": "1"}, {"ann": 0}):
        assert served.post("/v1/audio/speech", wav_body(speaker=wrong)).status_code == 400, wrong


def test_events_tell_when_each_word_is_heard(served: Running, voice: Voice) -> None:
    body = wav_body(stream_format="sse", timings=True, response_format="pcm", sample_rate=8000)
    events = [
        json.loads(line.removeprefix("data: "))
        for line in served.post("/v1/audio/speech", body).text.split("\n\n")
        if line
    ]
    told = [event for event in events if event["type"] == "speech.audio.sentence"]
    expected = voice.speak(TEXT).sentences
    assert [one["text"] for one in told] == [one.text for one in expected]
    assert told[1]["words"][0]["start"] == pytest.approx(expected[1].words[0].start, abs=1e-4)
    heard = 0
    for event in events:
        if event["type"] == "speech.audio.sentence":
            assert event["start"] >= heard / 8000 - 1e-4, "before its audio"
        elif event["type"] == "speech.audio.delta":
            heard += len(base64.b64decode(event["audio"])) // 2
    refused = served.post("/v1/audio/speech", wav_body(timings=True))
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "timings"
