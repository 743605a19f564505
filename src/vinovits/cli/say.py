"""`vinovits say`: speak a text."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vinovits.cli.report import Report, print_stats
from vinovits.cli.targets import Targets
from vinovits.cli.text_source import get_text
from vinovits.errors import UsageError

if TYPE_CHECKING:
    from vinovits.engine.voice import Voice

DEFAULT_OUT = Path("out.wav")
_PATH = click.Path(path_type=Path)


@click.command(short_help="Speak a text: to a file, a player or standard output.")
@click.argument("text", required=False)
@click.option(
    "--file", "-f", type=_PATH, help="Read the text from this file (`-` is standard input)."
)
@click.option(
    "--voice",
    "-v",
    default="joe",
    show_default=True,
    help="Name of a voice that `vinovits voices` lists, or the path of a voice folder.",
)
@click.option(
    "--out",
    "-o",
    type=_PATH,
    help="The audio file: .wav, .flac, .ogg, .opus or .mp3; `-` writes a WAV to standard output. "
    "Default is out.wav, or no file with --play.",
)
@click.option("--raw", is_flag=True, help="With `--out -`: bare 16-bit samples without a header.")
@click.option("--play", is_flag=True, help="Play the speech while it is being made.")
@click.option(
    "--speaker",
    help="Name or number of a speaker of the voice. For a voice that copies a speaker: a recording "
    "of a second or more. Default is the first speaker.",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="The same text, settings and seed give the same audio; another seed another reading.",
)
@click.option("--speed", type=float, help="From 0.25 to 4: 2 is twice as fast.")
@click.option(
    "--sdp-ratio",
    type=float,
    help="From 0 to 1: 0 gives an even rhythm, 1 a lively one (the share of the stochastic "
    "duration predictor).",
)
@click.option("--noise", type=float, help="From 0 to 2: how lively the sound is.")
@click.option("--noise-w", type=float, help="From 0 to 2: how lively the rhythm is.")
@click.option(
    "--pause", type=float, help="From 0 to 10: seconds of silence to add between sentences."
)
@click.option(
    "--device", default="cpu", show_default=True, help="Where to run: cpu, gpu, gpu.1 or npu."
)
@click.option(
    "--features",
    type=click.Choice(["none"]),
    help="`none` speaks without feature models: a quicker start, a little less natural.",
)
@click.option(
    "--timings",
    type=_PATH,
    multiple=True,
    help="Write when each word is heard: .json, .srt, .vtt or .lrc. May be given several times.",
)
@click.option("--plot", type=_PATH, help="Draw waveform, spectrogram, words and phones: a .png.")
@click.option("--stats", is_flag=True, help="Show how long each stage took and where it ran.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors and --stats.")
def say(
    text: str | None,
    file: Path | None,
    voice: str,
    out: Path | None,
    raw: bool,
    play: bool,
    speaker: str | None,
    device: str,
    features: str | None,
    timings: tuple[Path, ...],
    plot: Path | None,
    stats: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Speak TEXT, or the text of a file or of standard input (`-`).

    Texts are UTF-8. They may be long: audio is written as it is made and memory doesn't grow. Files
    appear when they are complete; after an error or Ctrl-C there is none, and a file that was there
    before stays as it was.

    Settings that aren't given are those that suit the voice. A line on standard error tells how
    much audio there is, the real-time factor (seconds of work for a second of audio), the device,
    and the file.

    \b
    Examples:
      vinovits say "The quick brown fox."
      vinovits say "Slowly, please." --speed 0.8 --out slow.mp3
      vinovits say --file book.txt --out book.opus --timings book.srt --timings book.json
      echo "Hello." | vinovits say - --out - | aplay
      vinovits say "Look at this." --plot speech.png --stats
    """
    if out is None and not play:
        out = DEFAULT_OUT
    targets = Targets(out, timings, plot, raw=raw, play=play)
    with targets.prepare():
        words = get_text(text, file)
        import vinovits

        began = time.perf_counter()
        loaded = vinovits.load(voice, device=device, features=features)
        load_seconds = time.perf_counter() - began
        stream = loaded.stream(words, speaker=_speaker(loaded, speaker), **settings)
        rate = loaded.manifest.sampling_rate
        report = Report(len(words), quiet=quiet)
        with targets.start(loaded.manifest.name, rate), report.progress(rate):
            for chunk in stream:
                targets.write(chunk)
                report.add(chunk)
    report.summary(stream.stats, targets.description)
    if stats:
        print_stats(stream.stats, load_seconds)


def _speaker(voice: Voice, speaker: str | None) -> Any:
    """What the engine takes for the option: a name, a number, or the vector of a recording."""
    if speaker is None:
        return None
    if voice.manifest.spectrogram is not None:
        import soundfile

        try:
            samples, rate = soundfile.read(speaker, dtype="float32", always_2d=True)
        except (OSError, RuntimeError) as error:
            raise UsageError(
                f"The voice {voice.manifest.name!r} copies the speaker of a recording, but "
                f"--speaker {speaker} can't be read as audio: {error}"
            ) from error
        return voice.speaker_from(samples.mean(axis=1), rate)
    if speaker not in voice.manifest.speakers and speaker.isdecimal():
        return int(speaker)
    return speaker
