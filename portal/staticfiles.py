"""Static files that come out of Python packages."""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

NAME = "plotly.min.js"


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Names with a hash of the content, in imports of modules and sheets too, so that browsers keep files for good."""

    # Only our own modules: Django's switch for this also reads those of packages, whose imports lead nowhere.
    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("js/*.js", ((r'(?P<matched>(?P<names>import[^"\';]*)"(?P<url>\./[\w./-]+)";)', '%(names)s"%(url)s";'),)),
    )


class PlotlyFinder(BaseFinder):
    """Serves plotly.js from the plotly package as `vendor/plotly.min.js`; its folder holds more than a page needs."""

    def __init__(self, *_: Any, **__: Any) -> None:
        spec = find_spec("plotly")
        assert spec
        assert spec.origin
        self.storage = FileSystemStorage(Path(spec.origin).parent / "package_data")
        self.storage.prefix = "vendor"  # type: ignore[attr-defined]

    def find(self, path: str, find_all: bool = False, **_: Any) -> Any:
        if path != f"vendor/{NAME}":
            return []
        found = self.storage.path(NAME)
        return [found] if find_all else found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        yield NAME, self.storage
