"""AAC: a stream of frames that any decoder reads, sent as they are made."""

from __future__ import annotations

import io
import sys
from typing import Any

import av
import numpy as np
import pytest

from tests.serve.conftest import TEXT, Running
from vinovits.engine.voice import Voice
from vinovits.errors import MissingExtraError
from vinovits.output.audio_stream import AudioStream


def decoded(data: bytes) -> tuple[np.ndarray[Any, Any], int]:
    with av.open(io.BytesIO(data)) as container:
        frames = list(container.decode(audio=0))
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]), frames[0].sample_rate


def frames(data: bytes) -> int:
    """How many frames of ADTS there are, end to end."""
    place = count = 0
    while place < len(data):
        assert data[place] == 0xFF
        assert data[place + 1] & 0xF6 == 0xF0
        place += (data[place + 3] & 3) << 11 | data[place + 4] << 3 | data[place + 5] >> 5
        count += 1
    assert place == len(data)
    return count


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
def test_frames_come_as_they_are_made(rate: int) -> None:
    samples = 0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate)
    with AudioStream("aac", rate) as stream:
        parts = [stream.write(part) for part in np.array_split(samples, 20)]
        parts.append(stream.finish())
        assert stream.rate == rate
    assert sum(map(bool, parts[:-1])) > 10
    data = b"".join(parts)
    assert frames(data) >= 2 * rate // 1024
    back, back_rate = decoded(data)
    assert back_rate == rate
    assert len(back) / rate == pytest.approx(2, abs=0.4)
    # The encoder begins with a frame or two that it needs itself.
    middle = back[rate // 2 : rate]
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.05)
    spectrum = np.abs(np.fft.rfft(middle))
    assert spectrum.argmax() * rate / len(middle) == pytest.approx(440, abs=3)


def test_other_rates_are_resampled() -> None:
    with AudioStream("aac", 9000) as stream:
        stream.write(np.zeros(9000))
        stream.finish()
        assert stream.rate == 11025


def test_it_is_served(served: Running, voice: Voice) -> None:
    body = {"model": "vinovits", "voice": "tiny", "input": TEXT, "response_format": "aac"}
    answer = served.post("/v1/audio/speech", body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "audio/aac"
    back, rate = decoded(answer.content)
    assert rate == 8000
    assert len(back) / rate == pytest.approx(voice.speak(TEXT).seconds, abs=0.4)
    assert frames(answer.content)


def test_what_is_missing_is_told(served: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"vinovits\[aac\]"):
        AudioStream("aac", 8000)
    answer = served.post("/api/speak", {"text": TEXT, "format": "aac"})
    assert answer.status_code == 501
    assert "pip install 'vinovits[aac]'" in answer.json()["error"]["message"]
    assert answer.json()["error"]["code"] == "not_installed"
