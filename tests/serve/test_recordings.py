"""Recordings that callers send: an emotion, or a speaker, is taken from them, in bounds."""

from __future__ import annotations

import email
import email.policy
import io
import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
import soundfile

from tests.features.sounds import sound
from tests.serve.conftest import TEXT, Running, running, settings
from tests.serve.test_trust import error
from vinovits.engine.voice import Voice
from vinovits.errors import UsageError
from vinovits.output.wav import pcm16
from vinovits.serve.errors import ApiError
from vinovits.serve.recordings import read_recording
from vinovits.serve.voices import VoiceFolders
from vinovits.voices.manifest import EmotionNeed, Spectrogram
from vinovits.voices.store import VoiceInfo

RATE = 22050
HEARD = sound(1.3, RATE, 3)


def wav(samples: Any, rate: int = RATE) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype="FLOAT")
    return file.getvalue()


class Hearing:
    """The tiny voice as one that takes its emotion, or its speaker, from recordings.

    The emotion or speaker that it makes of one is a seed: so it is heard.
    """

    def __init__(self, voice: Voice, name: str) -> None:
        self._voice = voice
        change: dict[str, Any] = {"emotion": EmotionNeed("clap", 512, "none")}
        if name == "anyone":
            change = {"spectrogram": Spectrogram(64, 64), "speakers": {}}
        self.manifest = replace(voice.manifest, name=name, **change)
        self.heard: list[tuple[Any, int]] = []

    def speaker_from(self, samples: Any, sampling_rate: int) -> int:
        self.heard.append((samples, sampling_rate))
        if not np.abs(samples).max():
            raise UsageError("The recording is silent.")
        return 7 + int(samples[0] > samples[-1])

    def emotion_from(self, samples: Any, sampling_rate: int, *, seed: int) -> int:
        return 100 * seed + self.speaker_from(samples, sampling_rate)

    def stream(self, text: str, **given: Any) -> Any:
        heard = given.pop("emotion" if self.manifest.name == "moody" else "speaker")
        given.pop("speaker", None)
        return self._voice.stream(text, **{**given, "seed": heard})


class HearingVoices:
    """One voice without use for recordings, and two that hear."""

    def __init__(self, folders: VoiceFolders) -> None:
        tiny = folders.get("tiny")
        self._voices: dict[str, Any] = {"tiny": tiny}
        self._voices |= {name: Hearing(tiny, name) for name in ("anyone", "moody")}

    def infos(self) -> list[VoiceInfo]:
        return [VoiceInfo(Path(name), voice.manifest) for name, voice in self._voices.items()]

    def get(self, name: str) -> Any:
        if name not in self._voices:
            raise ApiError(400, "There is none.", "voice_not_found", param="voice")
        return self._voices[name]

    def loaded(self) -> dict[str, Any]:
        return {}


@pytest.fixture(scope="module")
def voices(folders: VoiceFolders) -> HearingVoices:
    return HearingVoices(folders)


@pytest.fixture(scope="module")
def hearing(voices: HearingVoices) -> Iterator[Running]:
    with running(settings(), voices) as server:
        yield server


def speak(server: Running, recording: Any = None, **fields: Any) -> httpx2.Response:
    """Ask by a form."""
    files = {} if recording is None else {"reference_audio": ("mood.wav", recording)}
    files |= {name: (None, str(value)) for name, value in fields.items()}
    with server.client() as client:
        return client.post("/api/speak", files=files)


def said(voice: Voice, seed: int = 4, **given: Any) -> bytes:
    return pcm16(voice.speak(TEXT, seed=seed, **given).samples).tobytes()


@pytest.mark.parametrize("name", ["anyone", "moody"])
def test_a_recording_is_heard(hearing: Running, voices: HearingVoices, name: str) -> None:
    voice, tiny = voices.get(name), voices.get("tiny")
    backwards = HEARD[::-1].copy()
    first, other = (
        speak(hearing, wav(samples), text=TEXT, voice=name, seed=4)
        for samples in (HEARD, backwards)
    )
    assert first.status_code == 200, first.text
    assert "x-ignored" not in first.headers
    expected = [407, 408] if name == "moody" else [7, 8]
    if HEARD[0] > HEARD[-1]:
        expected.reverse()
    assert [one.content[44:] for one in (first, other)] == [
        said(tiny, seed=one) for one in expected
    ]
    samples, rate = voice.heard[0]
    assert rate == RATE
    np.testing.assert_array_equal(samples, HEARD)
    # Upstream's way to the same.
    models = hearing.get("/models/info").json()
    [number] = [key for key, one in models.items() if f"/{name}/" in one["model_path"]]
    query = {"model_id": number, "seed": 4}
    query |= {"speaker_id": 0} if name == "moody" else {"model_name": name}
    with hearing.client() as client:
        sent = {"text": (None, TEXT), "reference_audio": ("a.wav", wav(HEARD))}
        answer = client.post("/voice", params=query, files=sent)
    assert answer.status_code == 200, answer.text
    noises = {"noise": 0.2, "noise_w": 0.9} if name == "moody" else {"noise": 0.6, "noise_w": 0.8}
    upstream = {"sdp_ratio": 0.2, "markup": "off", **noises}
    made, _ = soundfile.read(io.BytesIO(answer.content), dtype="int16")
    assert made.tobytes() == said(tiny, seed=expected[0], **upstream)


def test_a_voice_without_use_for_it_says_so(hearing: Running, voices: HearingVoices) -> None:
    answer = speak(hearing, wav(HEARD), text=TEXT, seed=4, speaker=1, speed="1.25")
    assert answer.headers["x-ignored"] == "reference_audio"
    assert answer.content[44:] == said(voices.get("tiny"), speaker=1, speed=1.25)
    told = speak(hearing, wav(HEARD), text=TEXT, reply="json").json()
    assert told["ignored"] == ["reference_audio"]


def test_a_form_needs_no_recording(hearing: Running, voices: HearingVoices) -> None:
    lexicon = {"there": "T AH0 M AA1"}
    answer = speak(hearing, text=TEXT, seed=4, lexicon=json.dumps(lexicon), format="wav")
    assert answer.content[44:] == said(voices.get("tiny"), lexicon=lexicon)


@pytest.mark.parametrize(
    ("recording", "fields", "param"),
    [
        (b"RIFF this is no sound" * 9, {"text": "Hi."}, "reference_audio"),
        (b"", {"text": "Hi."}, "reference_audio"),
        (wav(np.zeros(61 * 4000), 4000), {"text": "Hi."}, "reference_audio"),
        (wav(np.full(800, np.nan)), {"text": "Hi."}, "reference_audio"),
        (wav(HEARD), {}, "text"),
        (wav(HEARD), {"text": "Hi.", "voice": "nobody"}, "voice"),
        (wav(HEARD), {"text": "Hi.", "speed": "nan"}, "speed"),
        (wav(HEARD), {"text": "Hi.", "path": "/etc/passwd"}, "path"),
        (wav(HEARD), {"text": "Hi.", "subtitles": "srt"}, "subtitles"),
    ],
)
def test_forms_that_cannot_be_right(
    hearing: Running, recording: bytes, fields: dict[str, Any], param: str
) -> None:
    answer = speak(hearing, recording, **{"voice": "moody", **fields})
    assert answer.status_code == 400, answer.text
    assert error(answer)["param"] == param


def test_silence_and_text_for_a_file_are_told(hearing: Running) -> None:
    silent = speak(hearing, wav(np.zeros(RATE)), text="Hi.", voice="moody")
    assert (silent.status_code, error(silent)["code"]) == (400, "invalid_value")
    with hearing.client() as client:
        form = {"text": (None, "Hi."), "voice": (None, "moody"), "reference_audio": (None, "/etc")}
        answer = client.post("/api/speak", files=form)
        assert answer.status_code == 400
        assert error(answer)["param"] == "reference_audio"
        broken = client.post(
            "/api/speak",
            content=b"--x\r\nno",
            headers={"Content-Type": "multipart/form-data; boundary=x"},
        )
        assert broken.status_code == 400, broken.text
        large = client.post(
            "/api/speak", files={"reference_audio": ("a.wav", bytes(25 << 20)), "text": (None, "H")}
        )
        assert (large.status_code, error(large)["code"]) == (413, "too_large")
        # What is no form is bounded as ever.
        json_body = client.post("/api/speak", content=b'{"text": "' + bytes(2 << 20))
        assert json_body.status_code == 413


def test_an_answer_may_be_a_form(hearing: Running, voices: HearingVoices) -> None:
    body = {"text": TEXT, "seed": 4, "reply": "multipart", "subtitles": ["srt", "vtt", "lrc"]}
    answer = hearing.post("/api/speak", body)
    kind = answer.headers["content-type"]
    assert kind.startswith("multipart/form-data; boundary=")
    message = email.message_from_bytes(
        f"Content-Type: {kind}\r\n\r\n".encode() + answer.content, policy=email.policy.HTTP
    )
    parts = {
        part.get_param("name", header="content-disposition"): part for part in message.iter_parts()
    }
    assert list(parts) == ["timings", "srt", "vtt", "lrc", "audio"]
    assert parts["audio"].get_filename() == "speech.wav"
    assert parts["audio"].get_content_type() == "audio/wav"
    samples, _ = soundfile.read(io.BytesIO(parts["audio"].get_content()), dtype="int16")
    assert samples.tobytes() == said(voices.get("tiny"))
    told = hearing.post("/api/speak", {**body, "reply": "json"}).json()
    timings = json.loads(parts["timings"].get_content())
    assert timings == {name: told[name] for name in timings}
    assert timings.keys() == told.keys() - {"audio", "subtitles"}
    assert timings["seed"] == 4
    for name, text in told["subtitles"].items():
        assert (parts[name].get_payload(decode=True) or b"").decode("utf-8") == text


def test_recordings_are_read_in_bounds(tmp_path: Path) -> None:
    stereo = tmp_path / "stereo.wav"
    soundfile.write(stereo, np.stack([np.full(800, 0.5), np.full(800, 0.1)], axis=1), 8000)
    recording = read_recording(stereo, "stereo.wav")
    assert recording.sampling_rate == 8000
    np.testing.assert_allclose(recording.samples, 0.3, atol=1e-4)
    for name, samples, rate in (
        ("long.wav", np.zeros(61 * 4000), 4000),
        ("slow.wav", np.zeros(100), 1000),
        ("empty.wav", np.zeros(0), 8000),
        ("wide.wav", np.zeros((10, 9)), 8000),
    ):
        soundfile.write(tmp_path / name, samples, rate)
        with pytest.raises(ApiError, match=r"WAV, FLAC, MP3 or OGG"):
            read_recording(tmp_path / name, name)
    # Silence on eight channels: some kB of FLAC, 120 MB if it were decoded at once.
    with soundfile.SoundFile(tmp_path / "quiet.flac", "w", 384_000, 8) as quiet:
        for _ in range(10):
            quiet.write(np.zeros((384_000, 8), np.float32))
    tracemalloc.start()
    quietness = read_recording(tmp_path / "quiet.flac", "quiet.flac")
    assert (quietness.seconds, quietness.sampling_rate) == (10, 48_000)
    assert tracemalloc.get_traced_memory()[1] < 60 << 20
    tracemalloc.stop()
    cut = tmp_path / "cut.wav"
    cut.write_bytes(stereo.read_bytes()[:30])
    with pytest.raises(ApiError, match="no recording that can be read"):
        read_recording(cut, "cut.wav")
    with pytest.raises(ApiError, match="no recording that can be read"):
        read_recording(tmp_path / "none.wav", "none.wav")
