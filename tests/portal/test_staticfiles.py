"""Static files as they are served in production: hashed names, in imports too."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command

HASHED = re.compile(r"\.[0-9a-f]{12}\.(js|css)$")


@pytest.fixture
def collected(settings: Any, tmp_path: Path) -> Path:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "portal.staticfiles.HashedFiles"}}
    others = ["vendor", "admin", "django_htmx", "rest_framework"]
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=others)
    return tmp_path


def test_modules_and_sheets_import_each_other_by_hashed_names(collected: Path) -> None:
    paths = json.loads((collected / "staticfiles.json").read_text())["paths"]
    main = (collected / paths["js/main.js"]).read_text()
    imports = re.findall(r'import "(\./[^"]+)"', main)
    assert len(imports) > 5
    sheet = (collected / paths["css/bursar.css"]).read_text()
    sheets = re.findall(r'url\("([^"]+)"\)', sheet)
    assert len(sheets) > 20
    for folder, name in [*(("js", name) for name in imports), *(("css", name) for name in sheets)]:
        assert HASHED.search(name)
        assert (collected / folder / name).exists()


def test_plotly_comes_from_its_package() -> None:
    found = finders.find("vendor/plotly.min.js")
    assert found
    assert Path(found).stat().st_size > 1_000_000
    assert finders.find("vendor/other.js") is None
