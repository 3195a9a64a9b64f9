"""Commands, run in this process in an empty folder."""

from pathlib import Path
from typing import NamedTuple

import pytest

from hybrid_backbones.cli.main import main
from tests.tools.commands import share_mini


class Result(NamedTuple):
    """What a command has done.

    Args:
        status: Its exit status.
        out: Standard output.
        err: Standard error.
    """

    status: int
    out: str
    err: str

    @property
    def refusal(self) -> str:
        """The one line of a refusal."""
        assert self.status == 2, self.out + self.err
        assert len(self.err.splitlines()) == 1, self.err
        assert self.err.startswith('hybrid-backbones')
        return self.err


@pytest.fixture
def command(tmp_path: Path, monkeypatch, capsys):
    """``command('describe', 'cvt_13')``: run in ``tmp_path``."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments) -> Result:
        capsys.readouterr()
        share_mini(tmp_path, arguments)
        try:
            status = main([str(each) for each in arguments])
        except SystemExit as end:
            status = end.code or 0
        return Result(status, *capsys.readouterr())

    return call
