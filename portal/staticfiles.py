"""Static files that come out of Python packages."""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

NAME = "plotly.min.js"


class PlotlyFinder(BaseFinder):
    """Serves plotly.js from the plotly package as `vendor/plotly.min.js`; its folder holds more than a page needs."""

    def __init__(self, *_: Any, **__: Any) -> None:
        spec = find_spec("plotly")
        assert spec and spec.origin
        self.storage = FileSystemStorage(Path(spec.origin).parent / "package_data")
        self.storage.prefix = "vendor"  # type: ignore[attr-defined]

    def find(self, path: str, find_all: bool = False, **_: Any) -> Any:
        found = self.storage.path(NAME) if path == f"vendor/{NAME}" else None
        return ([found] if found else []) if find_all else found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        yield NAME, self.storage
