"""What can be wrong with a dataset."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One fault.

    Args:
        file: Where it is.
        text: What is wrong, and with which image or annotation.
        harmless: Whether training and evaluation run, and mean what they say, in spite of it.
    """

    file: str
    text: str
    harmless: bool = False

    def __str__(self) -> str:
        return f'{self.file}: {self.text}'
