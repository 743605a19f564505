"""Home Assistant's protocol, by its own client over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.server import AsyncTcpServer
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeVoice,
)

from tests.serve.conftest import PATIENCE, TEXT, free_port
from vinovits.cli.main import cli
from vinovits.engine.voice import Voice
from vinovits.output.wav import pcm16
from vinovits.serve.metrics import Metrics
from vinovits.serve.voices import VoiceFolders
from vinovits.serve.work import Work
from vinovits.serve.wyoming import Connection, Speaker

Talk = Callable[[AsyncClient, Work], Awaitable[Any]]


def talk(folders: VoiceFolders, with_client: Talk) -> Any:
    """Run a server, and a client of it."""

    async def both() -> Any:
        async with (
            asyncio.timeout(PATIENCE),
            served(folders) as (uri, work),
            AsyncClient.from_uri(uri) as client,
        ):
            return await with_client(client, work)

    return asyncio.run(both())


@asynccontextmanager
async def served(folders: VoiceFolders) -> AsyncIterator[tuple[str, Work]]:
    work = Work(2, 4, PATIENCE, Metrics())
    speaker = Speaker(folders, "tiny", work, 300)
    port = free_port()
    server = AsyncTcpServer("127.0.0.1", port)
    await server.start(lambda reader, writer: Connection(reader, writer, speaker))
    try:
        yield f"tcp://127.0.0.1:{port}", work
    finally:
        await server.stop()
        await asyncio.to_thread(work.close)


async def events_until(client: AsyncClient, last: Callable[[str], bool]) -> list[Event]:
    found = []
    while (event := await client.read_event()) is not None:
        found.append(event)
        if last(event.type):
            return found
    raise AssertionError(f"the connection has ended after {[event.type for event in found]}")


def audio_of(events: Sequence[Event]) -> bytes:
    """The samples between one start and one stop."""
    kinds = [event.type for event in events if event.type != "audio-chunk"]
    assert kinds[:2] == ["audio-start", "audio-stop"], kinds
    start = AudioStart.from_event(events[0])
    assert (start.rate, start.width, start.channels) == (8000, 2, 1)
    chunks = [AudioChunk.from_event(event) for event in events if AudioChunk.is_type(event.type)]
    assert {chunk.rate for chunk in chunks} == {8000}
    return b"".join(chunk.audio for chunk in chunks)


def samples(voice: Voice, text: str = TEXT, **settings: Any) -> bytes:
    return pcm16(voice.speak(text, markup="off", **settings).samples).tobytes()


def test_voices_are_described(folders: VoiceFolders) -> None:
    async def ask(client: AsyncClient, _: Work) -> Info:
        await client.write_event(Describe().event())
        [event] = await events_until(client, Info.is_type)
        return Info.from_event(event)

    [program] = talk(folders, ask).tts
    assert program.supports_synthesize_streaming
    [tiny] = [voice for voice in program.voices if voice.name == "tiny"]
    assert tiny.languages == ["en"]
    assert [speaker.name for speaker in tiny.speakers] == ["ann", "bob"]
    assert tiny.installed


@pytest.mark.parametrize(
    ("asked", "settings"),
    [
        (None, {}),
        (SynthesizeVoice(name="tiny", speaker="bob"), {"speaker": "bob"}),
        (SynthesizeVoice(language="en"), {}),
        (SynthesizeVoice(language="en_GB"), {}),
    ],
)
def test_a_text_is_spoken(
    folders: VoiceFolders, voice: Voice, asked: SynthesizeVoice, settings: dict[str, Any]
) -> None:
    async def ask(client: AsyncClient, _: Work) -> bytes:
        await client.write_event(Synthesize(TEXT, voice=asked).event())
        return audio_of(await events_until(client, AudioStop.is_type))

    assert talk(folders, ask) == samples(voice, **settings)


def test_a_text_in_pieces_is_spoken_as_it_comes(folders: VoiceFolders, voice: Voice) -> None:
    """The first sentence is heard before the last is there."""
    first, second = "Hello there.", "This is the second one."

    async def ask(client: AsyncClient, _: Work) -> tuple[bytes, list[str]]:
        await client.write_event(SynthesizeStart().event())
        for piece in ("Hel", "lo the", "re. This ", "is the "):
            await client.write_event(SynthesizeChunk(piece).event())
        early = [await client.read_event(), await client.read_event()]
        assert [event.type for event in early if event] == ["audio-start", "audio-chunk"]
        # Home Assistant sends the whole as well, for servers that don't know of pieces.
        await client.write_event(Synthesize(f"{first} {second}").event())
        await client.write_event(SynthesizeChunk("second one.").event())
        await client.write_event(SynthesizeStop().event())
        rest = await events_until(client, SynthesizeStopped.is_type)
        events = [event for event in early if event is not None] + rest
        return audio_of(events), [event.type for event in events[-2:]]

    audio, last = talk(folders, ask)
    assert audio == samples(voice, first) + samples(voice, second)
    assert last == ["audio-stop", "synthesize-stopped"]


def test_ssml(folders: VoiceFolders, voice: Voice) -> None:
    text = '<speak>One. <break time="1s"/> Two.</speak>'

    async def whole(client: AsyncClient, _: Work) -> bytes:
        await client.write_event(Synthesize(text, text_format="ssml").event())
        return audio_of(await events_until(client, AudioStop.is_type))

    async def pieces(client: AsyncClient, _: Work) -> bytes:
        await client.write_event(SynthesizeStart(text_format="ssml").event())
        for start in range(0, len(text), 5):
            await client.write_event(SynthesizeChunk(text[start : start + 5]).event())
        await client.write_event(SynthesizeStop().event())
        return audio_of(await events_until(client, SynthesizeStopped.is_type))

    expected = pcm16(voice.speak(text, markup="ssml").samples).tobytes()
    assert talk(folders, whole) == talk(folders, pieces) == expected


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Synthesize("Hello.", voice=SynthesizeVoice(name="../tiny")), "There is no voice"),
        (Synthesize("Hello.", voice=SynthesizeVoice(name="tiny", speaker="x")), "speaker"),
        (Synthesize("Hello.", voice=SynthesizeVoice(language="fr")), "No voice speaks 'fr'"),
        (Synthesize("x" * 301), "301 characters"),
        (Synthesize("<speak>", text_format="ssml"), "SSML"),
    ],
)
def test_errors_are_told_and_the_connection_stays(
    folders: VoiceFolders, voice: Voice, event: Synthesize, words: str
) -> None:
    async def ask(client: AsyncClient, _: Work) -> tuple[Error, bytes]:
        await client.write_event(event.event())
        [told] = await events_until(client, Error.is_type)
        await client.write_event(Synthesize("Fine.").event())
        return Error.from_event(told), audio_of(await events_until(client, AudioStop.is_type))

    error, audio = talk(folders, ask)
    assert words in error.text
    assert audio == samples(voice, "Fine.")


def test_who_leaves_or_sends_rubbish_harms_nobody(folders: VoiceFolders, voice: Voice) -> None:
    async def ask(client: AsyncClient, work: Work) -> bytes:
        host, port = client.host, client.port
        lines = (
            *(b"\n", b"[]\n", b'"x"\n', b"{}\n", b"\xff\xfe\n", b'{"type": "synthesize"}\n'),
            b'{"type": "synthesize", "data": {"text": 7}}\n',
            b'{"type": "a", "data_length": -1}\n',
            b'{"type": "a", "data_length": 9}\n',
        )
        for line in lines:
            _, writer = await asyncio.open_connection(host, port)
            writer.write(line)
            await writer.drain()
            writer.close()
        for _ in range(3):
            _, writer = await asyncio.open_connection(host, port)
            body = b'{"type": "synthesize", "data": {"text": "%s"}}\n' % (b"Hello there. " * 20)
            writer.write(body)
            await writer.drain()
            writer.transport.abort()
        await client.write_event(Synthesize("Fine.").event())
        audio = audio_of(await events_until(client, AudioStop.is_type))
        while work.running or work.waiting:
            await asyncio.sleep(0.01)
        return audio

    assert talk(folders, ask) == samples(voice, "Fine.")


def test_nothing_to_say_is_silent(folders: VoiceFolders) -> None:
    async def ask(client: AsyncClient, _: Work) -> list[str]:
        await client.write_event(SynthesizeStart().event())
        await client.write_event(SynthesizeChunk(" … ").event())
        await client.write_event(SynthesizeStop().event())
        return [event.type for event in await events_until(client, SynthesizeStopped.is_type)]

    assert talk(folders, ask) == ["synthesize-stopped"]


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("tcp://0.0.0.0:10200", "--insecure"),
        ("tcp://:10200", "--insecure"),
        ("tcp://example.org:10200", "--insecure"),
        ("http://127.0.0.1:1", "no address"),
        ("tcp://127.0.0.1", "no address"),
        ("tcp://127.0.0.1:99999", "no address"),
        ("stdio://", "no address"),
    ],
)
def test_addresses_are_checked(uri: str, words: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["wyoming", "--uri", uri, "--voices", str(tmp_path)])
    assert result.exit_code == 2
    assert words in result.output
