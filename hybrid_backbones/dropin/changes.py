"""What a new backbone changes in a config."""

from dataclasses import dataclass, field
from typing import Any, Dict, List

from ..backbones.levels import Level
from ..config.traverse import Path
from .source import Source
from .variants import Variant


@dataclass
class DropIn:
    """A plan: the settings to write over the old config's, and what to tell.

    Args:
        source: The old config.
        variant: The new backbone.
        root: Where in ``model`` the detector, segmentor or pose estimator stands: mostly ``()``.
        old: The old backbone's levels.
        new: Those of the new one.
        edits: Values by their path in the config.
        notes: What was decided, one sentence each.
    """

    source: Source
    variant: Variant
    root: Path
    old: List[Level]
    new: List[Level] = field(default_factory=list)
    edits: Dict[Path, Any] = field(default_factory=dict)
    notes: List[str] = field(default_factory=list)

    @property
    def model(self) -> Any:
        """The old detector, segmentor or pose estimator."""
        return self.source.value('model', *self.root)

    @property
    def backbone(self) -> Path:
        """Where the backbone stands in the config."""
        return ('model', *self.root, 'backbone')

    def set(self, path: Path, value: Any) -> None:
        """Write a value over another, if it differs."""
        old = self.source.value(*path[:-1])
        there = path[-1] in old if isinstance(path[-1], str) else True
        if not there or old[path[-1]] != value:
            self.edits[path] = value

    def note(self, text: str) -> None:
        """Tell something once."""
        if text not in self.notes:
            self.notes.append(text)
