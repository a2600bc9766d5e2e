"""The ``maskgen`` command: joins the three stages and turns errors into one line.

Every module mounted here imports nothing heavier than typer, so that ``maskgen --help`` answers at once; what a
command needs is imported when it runs.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import detect.commands.app
import maskgen.cli
import trainer.commands.app
from maskgen import __version__, interrupt
from maskgen.cli import console, demo, doctor
from maskgen.errors import MaskgenError

app = typer.Typer(
    name="maskgen",
    help="Lay masks over photographs of faces, train a classifier on them, find who wears a mask.",
    no_args_is_help=True,
    # A surprise shows Python's own traceback, without the values of local variables.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(maskgen.cli.app)
app.add_typer(trainer.commands.app.app)
app.add_typer(detect.commands.app.app, name="detect")
app.add_typer(demo.app)
app.add_typer(doctor.app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"maskgen {__version__}")
        raise typer.Exit


@app.callback()
def _maskgen(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line.

    Exit codes: 0 done, 1 could not, 2 wrong words, 130 interrupted, 143 told to stop (SIGTERM).
    """
    console.tolerate_any_name()
    console.log_to_stderr()
    try:
        with interrupt.terminable(), interrupt.heeded():
            app(prog_name="maskgen")
    except MaskgenError as error:
        console.say_error(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(interrupt.exit_code())
    except SystemExit as ending:
        if ending.code == interrupt.CTRL_C:  # typer's word for every KeyboardInterrupt
            sys.exit(interrupt.exit_code())
        raise
    except BrokenPipeError:
        console.reader_has_gone()
        sys.exit(1)
    except ModuleNotFoundError as error:
        from maskgen.cli.doctor_checks import what_to_install

        story = what_to_install(error)
        if story is None:
            raise
        console.say_error(story)
        sys.exit(1)
    except OSError as error:
        message = console.in_one_line(error)
        if message is None:
            raise
        console.say_error(message)
        sys.exit(1)
    finally:
        # Not left to the interpreter's shutdown, where a reader that has gone is reported as an ignored exception.
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            console.reader_has_gone()


if __name__ == "__main__":
    main()
