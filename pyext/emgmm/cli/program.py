"""The program ``emgmm``: finds its commands and turns errors into one line.

Each command is a file of this folder: `fit.py` defines the `click` command ``fit``, and its
``ORDER`` in the list of commands. Nothing else names it. Such a file imports what it works with
inside its functions, so that ``emgmm --help`` need not wait for numpy.
"""

from __future__ import annotations

import functools
import importlib
import os
import pkgutil
import signal
import sys
from collections.abc import Callable
from types import ModuleType

import click

from .. import __version__, cli
from ..errors import InputError
from .options import BAD_INPUT, FAILED, Stopped


class Commands(click.Group):
    """The commands of this folder, each imported when it is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Names in the order of the help: as work goes from a map to a report."""
        orders = {}
        for name in _files():
            if (module := _with_command(name)) is not None:
                orders[name.replace("_", "-")] = module.ORDER
        return sorted(orders, key=lambda name: (orders[name], name))

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of a name, None for a name of none."""
        file = name.replace("-", "_")
        module = _with_command(file) if file in _files() else None
        return None if module is None else getattr(module, file)


def _files() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(cli.__path__)]


def _with_command(name: str) -> ModuleType | None:
    """A file that defines a command under its own name; None where it is shared by commands."""
    module = importlib.import_module(f"{cli.__name__}.{name}")
    return module if isinstance(getattr(module, name, None), click.Command) else None


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="emgmm %(version)s")
def commands() -> None:
    """Models of complexes from cryo-EM density, by Gaussian mixtures and Bayes.

    A map becomes a Gaussian mixture (fit), subunits are sampled in it (run), and the models are
    judged (analyze, report).
    """


def _guarded(main: click.Group) -> Callable[[], None]:
    """The program: runs a command and turns errors into one line and an exit status."""

    @functools.wraps(main)
    def program() -> None:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # names of files may be no text, and a terminal may lack Å
                stream.reconfigure(errors="backslashreplace")
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # leaves no drafts behind
        sys.exit(_status(main))

    return program


def _status(main: click.Group) -> int:
    try:
        result = main.main(standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except InputError as error:
        return _fail(str(error), BAD_INPUT)
    except click.UsageError as error:
        where = f" ({error.ctx.command_path} --help)" if error.ctx else ""
        return _fail(error.format_message().rstrip(".") + where, BAD_INPUT)
    except click.Abort:
        return _fail("stopped", FAILED)
    except Stopped as error:
        return _fail(str(error), FAILED)
    except BrokenPipeError:
        # The reader has gone (``| head``): nothing is left to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        return _fail(f"{error.filename or 'system'}: {error.strerror or error}", FAILED)
    except MemoryError:
        return _fail("not enough memory", FAILED)


def _fail(message: str, status: int) -> int:
    click.echo("emgmm: " + " ".join(message.split()), err=True)
    return status


main = _guarded(commands)
