from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from portal.demo_keys import demo_keys


def test_processes_that_start_together_agree_on_the_keys(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: demo_keys(tmp_path), range(16)))
    assert len({(secret, audit[0]) for secret, _, audit in found}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


def test_only_the_owner_reads_them(tmp_path: Path) -> None:
    demo_keys(tmp_path)
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


def test_a_folder_from_before_there_were_audit_keys_still_serves(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text('{"secret_key": "old", "credential_keys": ["older"]}')
    assert demo_keys(tmp_path) == ("old", ["older"], ["old"])
