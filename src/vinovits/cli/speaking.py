"""What `say`, `book` and `batch` share: how to speak, and on what."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vinovits.cli.text_source import markup_of
from vinovits.errors import UsageError

if TYPE_CHECKING:
    from vinovits.engine.voice import Voice
    from vinovits.text.lexicon import LexiconEntry

F = TypeVar("F", bound=Callable[..., Any])
_LOADING = ("device", "shapes", "features", "precision")
"""Options that `vinovits.load` takes."""


class FileName(click.Path):
    """The name of a file. Path makes a folder of an empty one, which scripts give by mistake."""

    def __init__(self, example: str) -> None:
        """Give an example of one, for messages."""
        super().__init__(path_type=Path)
        self._example = example

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """The path, if it isn't empty."""
        if param is not None and value == "":
            raise UsageError(f"{param.opts[0]} is empty. Name a file, such as {self._example}.")
        return super().convert(value, param, ctx)


def _bound(context: click.Context, option: click.Parameter, threads: int | None) -> None:
    """Bound all pools of threads, before what has them is imported."""
    from vinovits import threads as pools

    if threads is not None:
        os.environ[pools.ENVIRONMENT] = str(threads)
    most = pools.limit(None)
    if most is not None:
        pools.bound_pools(most)


threads_option = click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    expose_value=False,
    callback=_bound,
    help="At most that many threads work, of OpenVINO and all else. Default is VINOVITS_THREADS, "
    "what `vinovits tune` found, OMP_NUM_THREADS, or the processors that this process may use.",
)

_OPTIONS = (
    click.option(
        "--voice",
        "-v",
        default="joe",
        show_default=True,
        help="Name of a voice that `vinovits voices` lists, or the path of a voice folder.",
    ),
    click.option(
        "--speaker",
        help="Name or number of a speaker of the voice. For a voice that copies a speaker: a "
        "recording of a second or more. Default is the first speaker.",
    ),
    click.option(
        "--seed",
        type=int,
        default=0,
        show_default=True,
        help="The same text, settings and seed give the same audio; another seed another reading.",
    ),
    click.option("--speed", type=float, help="From 0.25 to 4: 2 is twice as fast."),
    click.option(
        "--sdp-ratio",
        type=float,
        help="From 0 to 1: 0 gives an even rhythm, 1 a lively one (the share of the stochastic "
        "duration predictor).",
    ),
    click.option("--noise", type=float, help="From 0 to 2: how lively the sound is."),
    click.option("--noise-w", type=float, help="From 0 to 2: how lively the rhythm is."),
    click.option(
        "--pause", type=float, help="From 0 to 10: seconds of silence to add between sentences."
    ),
    click.option("--style", help="Name of a style, for voices that have some."),
    click.option(
        "--style-weight",
        type=float,
        help="From 0 to 20, with --style: 0 is the voice's mean, 1 the style.",
    ),
    click.option(
        "--emotion-text",
        metavar="PROMPT",
        help="How to sound, such as `a calm voice`, for voices that take a description.",
    ),
    click.option(
        "--emotion-audio",
        type=FileName("angry.wav"),
        help="A recording that sounds as the voice shall, for voices that take one.",
    ),
    click.option(
        "--emotion-number",
        type=click.IntRange(min=0),
        help="Number of an emotion, for voices that number theirs.",
    ),
    click.option(
        "--assist-text",
        metavar="TEXT",
        help="A text whose mood colours the speech without being spoken (2.3: style text).",
    ),
    click.option(
        "--assist-weight",
        type=float,
        help="From 0 to 1, with --assist-text: how strongly; 0.7 if not given.",
    ),
    click.option(
        "--language",
        "-l",
        type=click.Choice(["zh", "ja", "en"]),
        help="The language of the text. Without it, each part is read in the language of the "
        "voice that it seems to be in.",
    ),
    click.option(
        "--reading",
        type=click.Choice(["better", "released"]),
        help="`released` reads as the front end that came with the voice's family, faults "
        "included. Default is what the voice was made for.",
    ),
    click.option(
        "--markup",
        type=click.Choice(["auto", "off", "plain", "ssml", "html", "markdown"]),
        default="auto",
        show_default=True,
        help="What the text is written in. `auto` takes what begins like SSML, or comes from a"
        " .ssml file, for that, and the rest for `plain`; `off` speaks all signs as they "
        "stand.",
    ),
    click.option(
        "--lexicon",
        metavar="FILE",
        help="Readings that go before those of your lexicons: a file as `vinovits lexicon import` "
        "takes it. `none` is without any lexicon.",
    ),
    click.option(
        "--device",
        default="cpu",
        show_default=True,
        help="Where to run: cpu, gpu, gpu.1, npu; auto for a GPU where there is one; or by "
        "stage, as in `encoder=cpu,flow=gpu,decoder=gpu,features=npu`.",
    ),
    click.option(
        "--shapes",
        type=click.Choice(["auto", "dynamic", "static"]),
        default="auto",
        show_default=True,
        help="`static` compiles the graphs for a few lengths, as GPUs and NPUs need it, "
        "`dynamic` once for all. `auto` is dynamic on the CPU and static elsewhere.",
    ),
    click.option(
        "--features",
        type=click.Choice(["none"]),
        help="`none` speaks without feature models: a quicker start, a little less natural.",
    ),
    click.option(
        "--precision",
        help="What the decoder computes in, auto, f32, bf16 or f16; or each stage, as in "
        "`decoder=bf16,features=int8`. `auto` is bf16 where the chip has instructions for"
        " it and the voice sounds the same with it, which is two to three times as fast, "
        "and f16 on a GPU that passes a test; else f32. `int8-features` has all feature models "
        "round to int8. Default is auto, or what `vinovits tune` found.",
    ),
    threads_option,
)


def speaking_options(command: F) -> F:
    """Give a command the options that tell how to speak, and on what."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check_speaking(options: dict[str, Any]) -> None:
    """Find what can't be right before any work.

    Raises:
        UsageError: There are several emotions.
    """
    emotions = [options[name] for name in ("emotion_text", "emotion_audio", "emotion_number")]
    if sum(given is not None for given in emotions) > 1:
        raise UsageError("Give one of --emotion-text, --emotion-audio and --emotion-number.")


def plain_settings(
    speaking: dict[str, Any],
) -> tuple[dict[str, Any], list[LexiconEntry], dict[str, Any]]:
    """What `speaking_options` gave, as plain data.

    Returns:
        Settings as JSON has them, with the voice; readings of words; what `vinovits.load` takes.

    Raises:
        UsageError: A recording was given.
    """
    if speaking.pop("emotion_audio") is not None:
        raise UsageError("This takes --emotion-text or --emotion-number, no --emotion-audio.")
    speaking.pop("markup")
    text, number = speaking.pop("emotion_text"), speaking.pop("emotion_number")
    loading = {name: speaking.pop(name) for name in _LOADING}
    lexicon = speaking.pop("lexicon")
    settings = {name: value for name, value in speaking.items() if value is not None}
    if text is not None or number is not None:
        settings["emotion"] = number if text is None else text
    if lexicon == "none":
        return {**settings, "lexicon": "none"}, [], loading
    return settings, [] if lexicon is None else lexicon_entries(lexicon), loading


def lexicon_entries(lexicon: str | Path) -> list[LexiconEntry]:
    """Of a lexicon's file."""
    from vinovits.lexicons import read_lexicon

    return list(read_lexicon(Path(lexicon)))


def load_voice(options: dict[str, Any], *, warm: bool) -> Voice:
    """Load the voice that the options name, where they want it; the rest of them is left.

    Args:
        options: Of `speaking_options`; what is used is taken out.
        warm: As `vinovits.load` takes it.
    """
    import vinovits

    return vinovits.load(
        options.pop("voice"), warm=warm, **{name: options.pop(name) for name in _LOADING}
    )


def settings_of(voice: Voice, options: dict[str, Any], file: Path | None) -> dict[str, Any]:
    """What `Voice.stream` takes for the options that `load_voice` has left.

    Args:
        voice: Who speaks.
        options: They are used up.
        file: Where the text is from, if from a file.
    """
    recording, emotion = options.pop("emotion_audio"), options.pop("emotion_text")
    number = options.pop("emotion_number")
    if recording is not None:
        emotion = _heard(voice, recording)
    return {
        "speaker": speaker_of(voice, options.pop("speaker")),
        "emotion": number if emotion is None else emotion,
        "markup": markup_of(options.pop("markup"), file),
        **options,
    }


def _heard(voice: Voice, recording: Path) -> Any:
    """The emotion of a recording."""
    from vinovits.features.audio import read_audio

    return voice.emotion_from(*read_audio(recording))


def speaker_of(voice: Voice, speaker: str | None) -> Any:
    """What the engine takes for the option: a name, a number, or the vector of a recording."""
    if voice.manifest.spectrogram is not None:
        return _copied(voice, speaker)
    from vinovits.batch.fit import speaker_named

    return speaker_named(voice.manifest, speaker)


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
