"""plotly.js out of the plotly wheel, as a static file: no copy of it in this repository."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage


class PlotlyFinder(BaseFinder):
    """Offers `plotly.min.js` from plotly's package data."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        spec = find_spec("plotly")
        if spec is None or spec.origin is None:
            raise RuntimeError("plotly is not installed; run `make` to install what is locked.")
        self.storage = FileSystemStorage(Path(spec.origin).parent / "package_data")

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        if path != "plotly.min.js":
            return []
        found = self.storage.path(path)
        return [found] if find_all else found

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, FileSystemStorage]]:
        yield "plotly.min.js", self.storage

    def check(self, **kwargs: Any) -> Any:
        return []
