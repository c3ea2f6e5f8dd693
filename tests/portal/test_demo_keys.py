from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from portal.demo_keys import demo_keys


def test_processes_that_start_together_agree_on_the_keys(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: demo_keys(tmp_path), range(16)))
    assert len({secret for secret, _ in found}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


def test_only_the_owner_reads_them(tmp_path: Path) -> None:
    demo_keys(tmp_path)
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
