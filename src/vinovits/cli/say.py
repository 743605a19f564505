"""`vinovits say`: speak a text."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import click

from vinovits.cli.report import Report, print_stats
from vinovits.cli.speaking import (
    FileName,
    check_speaking,
    load_voice,
    settings_of,
    speaking_options,
)
from vinovits.cli.targets import Targets
from vinovits.cli.text_source import get_text

DEFAULT_OUT = Path("out.wav")


class _Say(click.Command):
    """Tells what to do with a text that looks like an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise click.NoSuchOption(
                error.option_name,
                f"{error.message.rstrip('.')}. A text that begins with a dash goes after `--`, as "
                'in: vinovits say -- "-5 degrees".',
                error.possibilities,
                error.ctx,
            ) from None


@click.command(cls=_Say, short_help="Speak a text: to a file, a player or standard output.")
@click.argument("text", required=False)
@click.option(
    "--file",
    "-f",
    type=FileName("text.txt"),
    help="Read the text from this file (`-` is standard input).",
)
@click.option(
    "--out",
    "-o",
    type=FileName("out.wav"),
    help="The audio file: .wav, .flac, .ogg, .opus or .mp3; `-` writes a WAV to standard output. "
    "Default is out.wav, or no file with --play.",
)
@click.option("--raw", is_flag=True, help="With `--out -`: bare 16-bit samples without a header.")
@click.option("--play", is_flag=True, help="Play the speech while it is being made.")
@speaking_options
@click.option(
    "--timings",
    type=FileName("words.json"),
    multiple=True,
    help="Write when each word is heard: .json, .srt, .vtt or .lrc. May be given several times.",
)
@click.option(
    "--plot",
    type=FileName("speech.png"),
    help="Draw waveform, spectrogram, words and phones: a .png.",
)
@click.option("--stats", is_flag=True, help="Show how long each stage took and where it ran.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors and --stats.")
def say(
    text: str | None,
    file: Path | None,
    out: Path | None,
    raw: bool,
    play: bool,
    timings: tuple[Path, ...],
    plot: Path | None,
    stats: bool,
    quiet: bool,
    **speaking: Any,
) -> None:
    """Speak TEXT, or the text of a file or of standard input (`-`).

    Texts are UTF-8. They may be long: audio is written as it is made and memory doesn't grow. Files
    appear when they are complete; after an error or Ctrl-C there is none, and a file that was there
    before stays as it was. A text that begins with a dash goes after `--`.

    Settings that aren't given are those that suit the voice. A line on standard error tells how
    much audio there is, the real-time factor (seconds of work for a second of audio), the device,
    and the file.

    \b
    Examples:
      vinovits say "The quick brown fox."
      vinovits say "Slowly, please." --speed 0.8 --out slow.mp3
      vinovits say "One. [pause 2s] Two."
      vinovits say --file book.txt --out book.opus --timings book.srt --timings book.json
      echo "Hello." | vinovits say - --out - | aplay
      vinovits say "Look at this." --plot speech.png --stats
      vinovits say --out cold.wav -- "-5 degrees"
      vinovits say "Leave me alone!" --voice other --emotion-audio angry.wav
    """
    if quiet:
        logging.getLogger("vinovits").setLevel(logging.ERROR)
    if out is None and not play:
        out = DEFAULT_OUT
    check_speaking(speaking)
    targets = Targets(out, timings, plot, raw=raw, play=play)
    with targets.prepare():
        words = get_text(text, file)
        began = time.perf_counter()
        # There is one text, whose lengths are compiled as they come.
        loaded = load_voice(speaking, warm=False)
        load_seconds = time.perf_counter() - began
        heard = play or str(out) == "-"
        stream = loaded.stream(words, ahead=heard, **settings_of(loaded, speaking, file))
        rate = loaded.manifest.sampling_rate
        report = Report(len(words), quiet=quiet)
        with stream, targets.start(loaded.manifest.name, rate), report.progress(rate):
            for chunk in stream:
                targets.write(chunk)
                report.add(chunk)
    report.summary(stream.stats, targets.description)
    if stats:
        print_stats(stream.stats, load_seconds)
