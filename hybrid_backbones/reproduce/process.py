"""A test in a process of its own: one that crashes, or is killed, ends nothing else."""

import os
import sys
import threading
import traceback
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Dict

from ..errors import CheckpointError, ConfigError, one_line
from ..utils.files import write_json
from ..utils.packages import how_to_install
from .measure import measure


def run_alone(settings: Dict[str, Any], log: Path, result: Path) -> None:
    """Run :func:`measure`.

    Args:
        settings: Its arguments.
        log: What the process prints, and the traceback if there is one.
        result: JSON: what was measured, or ``{'failed': REASON}``. Not there, if the process did
            not come to its end.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    process = get_context('spawn').Process(target=_work, args=(settings, log, result))
    process.start()
    process.join()
    if not result.is_file():
        write_json(result, dict(failed=_how_it_ended(process.exitcode), log=str(log)))


def _how_it_ended(exitcode: Any) -> str:
    if exitcode is not None and exitcode < 0:
        return f'its process was ended by signal {-exitcode}, for want of memory perhaps'
    return f'its process ended with exit status {exitcode}'


def _work(settings: Dict[str, Any], log: Path, result: Path) -> None:
    _end_with_parent()
    with open(log, 'w', encoding='utf-8') as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
        write_json(result, _result(settings, log))


def _result(settings: Dict[str, Any], log: Path) -> Dict[str, Any]:
    try:
        return measure(**settings).to_dict()
    except (CheckpointError, ConfigError) as error:
        return dict(failed=one_line(error))
    except ImportError as error:
        hint = how_to_install(error)
        return dict(failed=f'needs {hint}' if hint else one_line(error))
    except Exception as error:
        traceback.print_exc()
        return dict(failed=f'{type(error).__name__}: {one_line(error)}', log=str(log))


def _end_with_parent() -> None:
    """Nobody waits for the result of a process whose parent was killed."""
    parent = parent_process()
    if parent is not None:
        sentinel = parent.sentinel

        def watch() -> None:
            wait([sentinel])
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()
