"""`vinovits tune`: find the fastest settings for this machine, and keep them."""

from __future__ import annotations

import click

from vinovits.cli import machine
from vinovits.cli.streams import print_table, table
from vinovits.errors import OutputError, UsageError


@click.command(short_help="Find the fastest settings for this machine, and keep them.")
@click.option("--voice", "-v", default="joe", show_default=True, help="Name or folder of a voice.")
@click.option("--show", is_flag=True, help="Show what is kept, and measure nothing.")
@click.option("--reset", is_flag=True, help="Remove what is kept.")
@click.option(
    "--seconds",
    type=click.FloatRange(1, 3600),
    default=100.0,
    show_default=True,
    help="About how long it may take.",
)
def tune(voice: str, show: bool, reset: bool, seconds: float) -> None:
    """Measure what is fastest on this machine's CPU, and write it to your config file.

    Tried are the number of threads, the precision of the decoder (among those that sound the same),
    the length of its windows, and how many texts `speak_many` speaks at once. What isn't at
    least 3 % faster stays as it comes. Let nothing else run meanwhile.

    From then on, `vinovits` and `vinovits.load` take these values where none are given. The file is
    config.toml in your folder of configurations, or what the environment variable VINOVITS_CONFIG
    names. It counts on the machine that it was measured on, and you may change it.

    \b
    Examples:
      vinovits tune
      vinovits tune --voice other
      vinovits tune --show
      vinovits tune --reset
    """
    from vinovits.engine.tuned import config_file

    path = config_file()
    if show and reset:
        raise UsageError("Give either --show or --reset.")
    if reset:
        try:
            path.unlink()
        except FileNotFoundError:
            click.echo(f"There is no {path}: nothing was tuned.", err=True)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise OutputError(f"{path} can't be removed: {reason}.") from error
        else:
            click.echo(f"Removed {path}.", err=True)
        return
    if show:
        _show()
        return
    _tune(voice, seconds)


def _show() -> None:
    from vinovits.engine.tuned import config_file, parse, this_machine

    path = config_file()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        click.echo(f"There is no {path}: nothing was tuned.", err=True)
        return
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(f"{path} can't be read: {error}.") from error
    click.echo(text, nl=False)
    click.echo(f"from {path}", err=True)
    try:
        parse(text)
    except UsageError as error:
        raise UsageError(f"This doesn't count: {error}") from None
    if "machine" in text and this_machine() not in text:
        click.echo("It is of another machine and doesn't count here.", err=True)


def _tune(voice: str, seconds: float) -> None:
    from vinovits.engine.tuned import config_file, written
    from vinovits.engine.tuning import tune as measured
    from vinovits.output.atomic import atomic_file, write_error

    if (busy := machine.busy()) is not None:
        click.echo(f"note: {busy} What is measured now may not hold later.", err=True)
    path = config_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(path, error) from error
    with atomic_file(path) as part:
        found, tries = measured(
            voice, seconds, lambda what: click.echo(f"measuring {what} …", err=True)
        )
        part.write_text(written(found), encoding="utf-8")
    rows = table("what", "value", "real-time factor", "", right=("real-time factor",))
    for one in tries:
        factor = f"{one.real_time_factor:.4f}" if one.real_time_factor else "no time"
        rows.add_row(one.what, one.value, factor, "taken" if one.taken else "")
    print_table(rows)
    click.echo(f"written to {path}", err=True)
