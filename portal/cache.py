"""The cache that all processes share, in Redis."""

from __future__ import annotations

from functools import cache, cached_property

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis import Redis


class KeptClient(RedisCacheClient):
    """Django makes a new object of redis for every command, which takes longer than the command."""

    @cached_property
    def _redis(self) -> Redis:
        return super().get_client(write=True)

    def get_client(self, key: object = None, *, write: bool = False) -> Redis:
        return self._redis


class SharedCache(RedisCache):
    """Django's, with one set of connections per process: under the asynchronous web server, Django makes a cache for
    every request, with connections of its own. For one server of Redis."""

    @property
    def _cache(self) -> KeptClient:
        return _client(*self._servers)  # type: ignore[attr-defined]


@cache
def _client(server: str) -> KeptClient:
    return KeptClient([server])
