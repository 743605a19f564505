"""`vinovits say`: speak a text."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vinovits.cli.report import Report, print_stats
from vinovits.cli.targets import Targets
from vinovits.cli.text_source import get_text, markup_of
from vinovits.errors import UsageError

if TYPE_CHECKING:
    from vinovits.engine.precision import Precision
    from vinovits.engine.shapes import ShapePolicy
    from vinovits.engine.voice import Voice
    from vinovits.text.markup import Markup

DEFAULT_OUT = Path("out.wav")


class _FileName(click.Path):
    """The name of a file. Path makes a folder of an empty one, which scripts give by mistake."""

    def __init__(self, example: str) -> None:
        super().__init__(path_type=Path)
        self._example = example

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        if param is not None and value == "":
            raise UsageError(f"{param.opts[0]} is empty. Name a file, such as {self._example}.")
        return super().convert(value, param, ctx)


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
    type=_FileName("text.txt"),
    help="Read the text from this file (`-` is standard input).",
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
    type=_FileName("out.wav"),
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
@click.option("--style", help="Name of a style, for voices that have some.")
@click.option(
    "--style-weight",
    type=float,
    help="From 0 to 20, with --style: 0 is the voice's mean, 1 the style.",
)
@click.option(
    "--emotion-text",
    metavar="PROMPT",
    help="How to sound, such as `a calm voice`, for voices that take a description.",
)
@click.option(
    "--emotion-audio",
    type=_FileName("angry.wav"),
    help="A recording that sounds as the voice shall, for voices that take one.",
)
@click.option(
    "--emotion-number",
    type=click.IntRange(min=0),
    help="Number of an emotion, for voices that number theirs.",
)
@click.option(
    "--assist-text",
    metavar="TEXT",
    help="A text whose mood colours the speech without being spoken (2.3: style text).",
)
@click.option(
    "--assist-weight",
    type=float,
    help="From 0 to 1, with --assist-text: how strongly; 0.7 if not given.",
)
@click.option(
    "--language",
    "-l",
    type=click.Choice(["zh", "ja", "en"]),
    help="The language of the text. Without it, each part is read in the language of the voice "
    "that it seems to be in.",
)
@click.option(
    "--reading",
    type=click.Choice(["better", "released"]),
    help="`released` reads as the front end that came with the voice's family, faults included. "
    "Default is what the voice was made for.",
)
@click.option(
    "--markup",
    type=click.Choice(["auto", "off", "plain", "ssml", "html", "markdown"]),
    default="auto",
    show_default=True,
    help="What the text is written in. `auto` takes what begins like SSML, or comes from a .ssml "
    "file, for that, and the rest for `plain`; `off` speaks all signs as they stand.",
)
@click.option(
    "--lexicon",
    metavar="FILE",
    help="Readings that go before those of your lexicons: a file as `vinovits lexicon import` "
    "takes it. `none` is without any lexicon.",
)
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    help="Where to run: cpu, gpu, gpu.1, npu; auto for a GPU where there is one; or by stage, as "
    "in `encoder=cpu,flow=gpu,decoder=gpu,features=npu`.",
)
@click.option(
    "--shapes",
    type=click.Choice(["auto", "dynamic", "static"]),
    default="auto",
    show_default=True,
    help="`static` compiles the graphs for a few lengths, as GPUs and NPUs need it, `dynamic` once "
    "for all. `auto` is dynamic on the CPU and static elsewhere.",
)
@click.option(
    "--features",
    type=click.Choice(["none"]),
    help="`none` speaks without feature models: a quicker start, a little less natural.",
)
@click.option(
    "--precision",
    type=click.Choice(["auto", "f32", "bf16", "f16"]),
    default="auto",
    show_default=True,
    help="What the decoder computes in: `auto` is bf16 where the chip has instructions for it and "
    "the voice sounds the same with it, which is two to three times as fast, and f16 on a GPU that "
    "passes a test; else f32.",
)
@click.option(
    "--timings",
    type=_FileName("words.json"),
    multiple=True,
    help="Write when each word is heard: .json, .srt, .vtt or .lrc. May be given several times.",
)
@click.option(
    "--plot",
    type=_FileName("speech.png"),
    help="Draw waveform, spectrogram, words and phones: a .png.",
)
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
    emotion_text: str | None,
    emotion_audio: Path | None,
    emotion_number: int | None,
    device: str,
    shapes: ShapePolicy,
    features: str | None,
    precision: Precision,
    markup: Markup,
    timings: tuple[Path, ...],
    plot: Path | None,
    stats: bool,
    quiet: bool,
    **settings: Any,
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
    emotions = [emotion_text, emotion_audio, emotion_number]
    if sum(given is not None for given in emotions) > 1:
        raise UsageError("Give one of --emotion-text, --emotion-audio and --emotion-number.")
    targets = Targets(out, timings, plot, raw=raw, play=play)
    with targets.prepare():
        words = get_text(text, file)
        import vinovits

        began = time.perf_counter()
        loaded = vinovits.load(
            voice,
            device=device,
            features=features,
            precision=precision,
            shapes=shapes,
            warm=False,  # there is one text, whose lengths are compiled as they come
        )
        load_seconds = time.perf_counter() - began
        heard = play or str(out) == "-"
        emotion = emotion_text if emotion_audio is None else _heard(loaded, emotion_audio)
        stream = loaded.stream(
            words,
            speaker=_speaker(loaded, speaker),
            emotion=emotion_number if emotion is None else emotion,
            markup=markup_of(markup, file),
            ahead=heard,
            **settings,
        )
        rate = loaded.manifest.sampling_rate
        report = Report(len(words), quiet=quiet)
        with stream, targets.start(loaded.manifest.name, rate), report.progress(rate):
            for chunk in stream:
                targets.write(chunk)
                report.add(chunk)
    report.summary(stream.stats, targets.description)
    if stats:
        print_stats(stream.stats, load_seconds)


def _heard(voice: Voice, recording: Path) -> Any:
    """The emotion of a recording."""
    from vinovits.features.audio import read_audio

    return voice.emotion_from(*read_audio(recording))


def _speaker(voice: Voice, speaker: str | None) -> Any:
    """What the engine takes for the option: a name, a number, or the vector of a recording."""
    if voice.manifest.spectrogram is not None:
        return _copied(voice, speaker)
    if speaker is None:
        return None
    if speaker not in voice.manifest.speakers and speaker.isdecimal() and len(speaker) < 10:
        return int(speaker)
    return speaker


def _copied(voice: Voice, recording: str | None) -> Any:
    """The vector of who is heard in a recording."""
    import soundfile

    copies = f"The voice {voice.manifest.name!r} copies the speaker of a recording"
    if recording is None:
        raise UsageError(f"{copies}: add --speaker recording.wav.")
    if not os.path.lexists(recording):
        raise UsageError(f"{copies}, but there is no file {recording}.")
    try:
        samples, rate = soundfile.read(recording, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise UsageError(
            f"{copies}, but --speaker {recording} can't be read as audio: {error}"
        ) from error
    return voice.speaker_from(samples.mean(axis=1), rate)
