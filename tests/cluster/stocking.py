"""Many objects in a cluster at once, written past the API server: through it, 20,000 pods take minutes."""

import base64
import json
from collections.abc import Iterable
from copy import deepcopy
from itertools import islice
from uuid import uuid4

import urllib3

from tests.cluster.api import Object
from tests.cluster.control_plane import ControlPlane

BATCH = 100


def stock(control_plane: ControlPlane, resource: str, objects: Iterable[Object]) -> None:
    """Puts whole objects, as the API server would give them, into etcd; it shows them as if it had made them."""
    pool = urllib3.PoolManager()
    remaining = iter(objects)
    while batch := list(islice(remaining, BATCH)):
        puts = [
            {"requestPut": {"key": _text(_key(resource, item)), "value": _text(json.dumps(item))}} for item in batch
        ]
        answer = pool.request("POST", f"{control_plane.etcd_address}/v3/kv/txn", body=json.dumps({"success": puts}))
        if answer.status != 200:
            raise RuntimeError(f"etcd answers {answer.status}: {answer.data[:300]!r}")


def copies(template: Object, number: int) -> Iterable[Object]:
    """Of an object that the API server made: each with its number behind the name, and a uid of its own."""
    for each in range(number):
        item = deepcopy(template)
        metadata = item["metadata"]
        metadata["name"] = f"{metadata['name']}-{each}"
        metadata["uid"] = str(uuid4())
        metadata.pop("resourceVersion", None)
        yield item


def _key(resource: str, item: Object) -> str:
    metadata = item["metadata"]
    return "/".join(
        ["/registry", resource, *([metadata["namespace"]] if "namespace" in metadata else []), metadata["name"]]
    )


def _text(content: str) -> str:
    return base64.b64encode(content.encode()).decode()
