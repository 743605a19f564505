"""The Wyoming protocol: speech for Home Assistant and other voice satellites, over TCP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Attribution, Describe, Info, TtsProgram, TtsVoice, TtsVoiceSpeaker
from wyoming.server import AsyncEventHandler
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeTextFormat,
    SynthesizeVoice,
)

from vinovits import __version__
from vinovits.engine.settings import SpeakSettings
from vinovits.errors import VinovitsError
from vinovits.output.wav import pcm16
from vinovits.serve.errors import ApiError, api_error
from vinovits.serve.voices import ServedVoices
from vinovits.serve.work import Job, Work
from vinovits.text.pieces import Pieces

_log = logging.getLogger(__name__)

_WIDTH = 2
_CHANNELS = 1
_MOST_STREAMED = 1_000_000
"""Characters of a text that comes in pieces."""
_URL = "https://github.com/fishaudio/Bert-VITS2"


class Speaker:
    """What all connections share."""

    def __init__(self, voices: ServedVoices, usual: str, work: Work, most_text: int) -> None:
        """Keep them.

        Args:
            voices: Those that are served.
            usual: Name of the one that speaks where none is named.
            work: The queue before the engine.
            most_text: Characters of a text, or of a piece of one.
        """
        self.voices, self.usual, self.work, self.most_text = voices, usual, work, most_text

    def info(self) -> Info:
        """The voices, as clients list them."""
        family = Attribution("Bert-VITS2", _URL)
        voices = [
            TtsVoice(
                name=one.name,
                attribution=Attribution(one.manifest.card.author or one.name, ""),
                installed=True,
                description=one.manifest.card.title or one.name,
                version=one.manifest.variant,
                languages=list(one.manifest.languages),
                speakers=[TtsVoiceSpeaker(name) for name in one.manifest.speakers] or None,
            )
            for one in self.voices.infos()
        ]
        program = TtsProgram(
            name="vinovits",
            attribution=family,
            installed=True,
            description="Bert-VITS2 voices on OpenVINO",
            version=__version__,
            voices=voices,
            supports_synthesize_streaming=True,
        )
        return Info(tts=[program])

    def named(self, asked: SynthesizeVoice | None) -> tuple[str, SpeakSettings]:
        """The voice that a client asks for, and the settings that go with it.

        Raises:
            ApiError: No voice speaks the language.
        """
        settings: SpeakSettings = {"seed": 0}
        if asked is None:
            return self.usual, settings
        if asked.speaker:
            settings["speaker"] = asked.speaker
        if asked.name:
            return asked.name, settings
        if asked.language:
            return self._speaking(asked.language.replace("_", "-").split("-")[0]), settings
        return self.usual, settings

    def _speaking(self, language: str) -> str:
        able = [one.name for one in self.voices.infos() if language in one.manifest.languages]
        if not able:
            raise ApiError(400, f"No voice speaks {language!r:.20}.", "language_not_spoken")
        return self.usual if self.usual in able else able[0]


class Connection(AsyncEventHandler):
    """One client."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, speaker: Speaker
    ) -> None:
        """Begin; the server does."""
        super().__init__(reader, writer)
        self._speaker = speaker
        self._pieces: Pieces | None = None
        self._asked: SynthesizeVoice | None = None
        self._markup_is_ssml = False
        self._ssml: list[str] = []
        self._rate = 0
        """Of the audio that has been begun and not ended; 0: there is none."""
        self._length = 0

    async def handle_event(self, event: Event) -> bool:
        """Answer one event; False ends the connection."""
        try:
            await self._answer(event)
        except (ConnectionError, asyncio.IncompleteReadError):
            return False
        except Exception as error:
            return await self._fail(error)
        return True

    async def run(self) -> None:
        """Answer until the client leaves; what it sends may be anything."""
        try:
            await super().run()
        except (ConnectionError, asyncio.IncompleteReadError, ValueError, KeyError, TypeError):
            _log.info("A client has left in the middle, or sent what isn't an event.")
        except AttributeError:  # JSON that is no object
            _log.info("A client has sent what isn't an event.")

    async def _answer(self, event: Event) -> None:
        if Describe.is_type(event.type):
            await self.write_event(self._speaker.info().event())
        elif SynthesizeStart.is_type(event.type):
            start = SynthesizeStart.from_event(event)
            self._asked = start.voice
            self._pieces, self._ssml, self._length = Pieces(), [], 0
            self._markup_is_ssml = start.text_format == SynthesizeTextFormat.SSML
        elif SynthesizeChunk.is_type(event.type):
            await self._take(SynthesizeChunk.from_event(event).text)
        elif SynthesizeStop.is_type(event.type):
            await self._end()
        elif Synthesize.is_type(event.type) and self._pieces is None:
            # In a stream the whole text comes too, for servers that don't know streams.
            whole = Synthesize.from_event(event)
            self._asked = whole.voice
            self._markup_is_ssml = whole.text_format == SynthesizeTextFormat.SSML
            await self._speak(whole.text)
            await self._stop_audio()

    async def _take(self, text: str) -> None:
        if self._pieces is None:
            return
        self._length += len(text)
        if self._length > _MOST_STREAMED:
            raise ApiError(413, f"At most {_MOST_STREAMED} characters are taken.", "text_too_long")
        if self._markup_is_ssml:
            self._ssml.append(text)
            return
        for _, sentence in self._pieces.add(text):
            await self._speak(sentence)

    async def _end(self) -> None:
        if self._pieces is None:
            return
        pieces, self._pieces = self._pieces, None
        rest = ["".join(self._ssml)] if self._markup_is_ssml else [s for _, s in pieces.flush()]
        for sentence in rest:
            await self._speak(sentence)
        await self._stop_audio()
        await self.write_event(SynthesizeStopped().event())

    async def _speak(self, text: str) -> None:
        """Speak a text, or a sentence of one; what has no letters is passed over."""
        if not any(sign.isalnum() for sign in text):
            return
        if len(text) > self._speaker.most_text:
            raise ApiError(
                413,
                f"The text has {len(text)} characters, and {self._speaker.most_text} are taken.",
                "text_too_long",
            )
        name, settings = self._speaker.named(self._asked)
        settings["markup"] = "ssml" if self._markup_is_ssml else "off"
        job = self._speaker.work.submit(_speech(self._speaker.voices, name, text, settings))
        try:
            while (piece := await job.get()) is not None:
                rate, data = piece
                await self._start_audio(rate)
                chunk = AudioChunk(rate=rate, width=_WIDTH, channels=_CHANNELS, audio=data)
                await self.write_event(chunk.event())
        finally:
            job.stop()

    async def _start_audio(self, rate: int) -> None:
        if self._rate != rate:
            await self._stop_audio()
            self._rate = rate
            start = AudioStart(rate=rate, width=_WIDTH, channels=_CHANNELS)
            await self.write_event(start.event())

    async def _stop_audio(self) -> None:
        if self._rate:
            self._rate = 0
            await self.write_event(AudioStop().event())

    async def _fail(self, error: Exception) -> bool:
        """Tell the client what went wrong; the connection stays."""
        known = error if isinstance(error, VinovitsError) else api_error(error)
        told = api_error(known)
        _log.info("An answer ends early: %s", told)
        was_stream, self._pieces = self._pieces is not None, None
        try:
            await self.write_event(Error(text=str(told), code=told.code).event())
            await self._stop_audio()
            if was_stream:
                await self.write_event(SynthesizeStopped().event())
        except ConnectionError:
            return False
        return True


def _speech(
    voices: ServedVoices, name: str, text: str, settings: SpeakSettings
) -> Callable[[Job[tuple[int, bytes]]], None]:
    """The work that hands on rates and samples, 16 bit."""

    def work(job: Job[tuple[int, bytes]]) -> None:
        voice = voices.get(name)
        rate = voice.manifest.sampling_rate
        with voice.stream(text, **settings) as stream:
            for chunk in stream:
                data = pcm16(chunk.samples).tobytes()
                job.put((rate, data), len(data))

    return work
