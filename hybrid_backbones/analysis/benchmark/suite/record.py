"""What has been measured so far, in a file that is whole after every row."""

import json
from pathlib import Path
from typing import Any, Dict, Union

from ....errors import ConfigError
from ....utils.files import write_json

FORMAT = 1


class Record:
    """The rows of a table by their keys, and what they have in common.

    Args:
        path: The file. What it holds already is kept, and is not to be measured again.
        setup: What all rows must have in common, as JSON has it.

    Attributes:
        rows: By :attr:`Row.key`: a result, or a dict with the ``reason`` why there is none.
        largest: By :attr:`Row.search`: the largest batch that fits, or None.
        rates: Operations a second of matrix products, by type.

    Raises:
        ConfigError: The file holds something else, or rows of another setup.
    """

    def __init__(self, path: Union[str, Path], setup: Dict[str, Any]):
        self.path = Path(path)
        self.setup = setup
        content = self._read()
        self.rows: Dict[str, Dict[str, Any]] = content.get('rows', {})
        self.largest: Dict[str, Any] = content.get('largest', {})
        self.rates: Dict[str, float] = content.get('rates', {})

    def _read(self) -> Dict[str, Any]:
        if not self.path.is_file():
            return {}
        try:
            content = json.loads(self.path.read_text(encoding='utf-8'))
            setup, known = content['setup'], content['format'] == FORMAT
        except (ValueError, KeyError, TypeError):
            known = False
        if not known:
            raise ConfigError(f'{self.path} is no file of this suite: `json` must name another')
        differing = [key for key in self.setup if setup.get(key) != self.setup[key]]
        if differing:
            key = differing[0]
            raise ConfigError(
                f'{self.path} has rows of another setup ({key}: {setup.get(key)}, now '
                f'{self.setup[key]}): `json` must name another file'
            )
        return content

    def write(self) -> None:
        """Write the file.

        Raises:
            OutputError: It cannot be written.
        """
        write_json(
            self.path,
            dict(
                format=FORMAT,
                setup=self.setup,
                rates=self.rates,
                largest=self.largest,
                rows=self.rows,
            ),
        )
