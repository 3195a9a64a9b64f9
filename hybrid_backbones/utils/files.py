"""Writing files whole or not at all."""

import json
from pathlib import Path
from typing import Any


def write_json(path: str, content: Any) -> None:
    """Write a file that is either whole or not there, with the folders it needs."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f'{target.name}.part')
    part.write_text(json.dumps(content, indent=1) + '\n')
    part.replace(target)
