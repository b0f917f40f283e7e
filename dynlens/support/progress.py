"""Progress bars on standard error: the one place that knows tqdm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")
SHORT = "{l_bar}{bar}| {n:.4g}/{total:.4g}"  # of a total that is no count, such as a time


class Progress:
    """How far some work is: a bar if it is to be shown, and nothing at all otherwise.

    Parameters
    ----------
    total : int or float
        What the work comes to, in units; a float is no count and is shown without a rate.
    title, unit : str
        Before the bar, and of what is counted.
    shown : bool
        Whether there is a bar.
    """

    def __init__(self, total: float, title: str, unit: str, *, shown: bool) -> None:
        self._bar: Any = None
        if shown:
            from tqdm.auto import tqdm

            form = SHORT if isinstance(total, float) else None
            self._bar = tqdm(total=total, desc=title, unit=unit, bar_format=form)

    def advance(self, by: float) -> None:
        """Tell that so many units more are done."""
        if self._bar is not None:
            self._bar.update(by)

    def reach(self, done: float) -> None:
        """Tell how many units are done in all."""
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Leave the bar where it is, and end its line."""
        if self._bar is not None:
            self._bar.close()


def tracked(items: Iterable[T], total: int, title: str, unit: str, *, shown: bool) -> Iterator[T]:
    """Pass items on, and show how many there were."""
    progress = Progress(total, title, unit, shown=shown)
    try:
        for item in items:
            yield item
            progress.advance(1)
    finally:
        progress.close()
