"""The broker of embedded mode: a folder, one file a message.

A message is written under a temporary name and then renamed, so nobody reads half of one. Whoever removes the file owns
the message. There is no redelivery and no broadcast: what matters is in the database, tasks only carry ids.
"""

from __future__ import annotations

import re
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, virtual
from kombu.utils.json import dumps, loads

_QUEUE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
DRAIN_SECONDS = 0.3


class FolderChannel(virtual.Channel):
    """Keeps each queue in a folder of its own below the transport option `folder`."""

    def _queue_folder(self, queue: str) -> Path:
        if not _QUEUE_NAME.fullmatch(queue):
            raise ChannelError(f"{queue!r} cannot be the name of a queue.")
        client: Any = self.connection.client
        folder = Path(client.transport_options["folder"]) / queue
        if not folder.is_dir():
            folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def _messages(self, queue: str) -> list[Path]:
        """Oldest first."""
        return sorted(self._queue_folder(queue).glob("*.msg"))

    def _put(self, queue: str, message: dict[str, Any], **_: Any) -> None:
        final = self._queue_folder(queue) / f"{time.time_ns():020}-{uuid.uuid4().hex}.msg"
        draft = final.with_suffix(".new")
        try:
            draft.write_text(dumps(message))
            draft.rename(final)
        except OSError as problem:
            draft.unlink(missing_ok=True)
            raise ChannelError(f"Cannot write to the broker's folder {final.parent}: {problem.strerror}") from problem

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        for path in self._messages(queue):
            try:
                content = path.read_text()
                path.unlink()
            except FileNotFoundError:
                continue  # another worker has it
            return loads(content)
        raise Empty

    def _size(self, queue: str) -> int:
        return len(self._messages(queue))

    def _purge(self, queue: str) -> int:
        removed = 0
        for path in self._messages(queue):
            try:
                path.unlink()
            except FileNotFoundError:
                continue
            removed += 1
        return removed


class FolderTransport(virtual.Transport):
    """`folder://`, with the transport option `folder`: a path."""

    Channel = FolderChannel
    implements = virtual.Transport.implements.extend(asynchronous=False, exchange_type=frozenset({"direct", "topic"}))
    global_state = virtual.BrokerState()
    polling_interval = 0.05
    default_port = 0
    driver_type = driver_name = "folder"

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        self.state = self.global_state

    def driver_version(self) -> str:
        return "1"

    def drain_events(self, connection: Any, timeout: float | None = None, **kwargs: Any) -> None:
        """Never for long: a worker sees only between two calls that it is to stop, and then calls once more."""
        super().drain_events(connection, timeout and min(timeout, DRAIN_SECONDS), **kwargs)


TRANSPORT_ALIASES["folder"] = "portal.broker:FolderTransport"
