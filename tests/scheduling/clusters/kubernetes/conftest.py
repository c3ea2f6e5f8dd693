"""A server for all tests of a file."""

from collections.abc import Iterator

import pytest

from .bad_server import serve


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(tmp_path_factory.mktemp("server")) as address:
        yield address
