"""Several handles of libcurl at once, in one thread."""

from __future__ import annotations

import select
import time

import pycurl

EVENTS = {
    pycurl.POLL_NONE: 0,
    pycurl.POLL_IN: select.POLLIN,
    pycurl.POLL_OUT: select.POLLOUT,
    pycurl.POLL_INOUT: select.POLLIN | select.POLLOUT,
}


class Multi:
    """Waits for the sockets itself: one that another thread shuts down ends the waiting."""

    def __init__(self, connections: int) -> None:
        """So many `connections` are kept."""
        self._poll = select.poll()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._look_at)
        self._multi.setopt(pycurl.M_MAXCONNECTS, connections)

    def add(self, curl: pycurl.Curl) -> None:
        """Its request begins with the next waiting."""
        self._multi.add_handle(curl)

    def remove(self, curl: pycurl.Curl) -> None:
        """Also when its request has ended."""
        self._multi.remove_handle(curl)

    def wait(self, deadline: float) -> list[tuple[pycurl.Curl, int, str]]:
        """For a server, or for the time at which libcurl has something to do; until then by the monotonic clock.

        What has ended: its handle, libcurl's code (0: well), and what libcurl says of it.
        """
        wait_ms = max(0, int((deadline - time.monotonic()) * 1000) + 1)
        timer_ms = self._multi.timeout()
        ready = self._poll.poll(min(wait_ms, timer_ms) if timer_ms >= 0 else wait_ms)
        for descriptor, _ in ready or [(pycurl.SOCKET_TIMEOUT, 0)]:
            self._multi.socket_action(descriptor, 0)
        _, ended, failed = self._multi.info_read()
        return [*((curl, pycurl.E_OK, "") for curl in ended), *failed]

    def close(self) -> None:
        """Its handles are to be removed before."""
        self._multi.close()

    def _look_at(self, what: int, descriptor: int, *_: object) -> None:
        """libcurl says for what it waits."""
        if what == pycurl.POLL_REMOVE:
            self._poll.unregister(descriptor)
        else:
            self._poll.register(descriptor, EVENTS[what])
