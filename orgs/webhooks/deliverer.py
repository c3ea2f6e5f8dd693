"""A worker's part in telling webhooks: it reads what happened, and sends what is due. Any number of workers do so."""

from __future__ import annotations

import threading
import time

import structlog
from django.db import connection
from django.utils import timezone

from orgs.models import Delivery
from orgs.services.delivery import Claimed, deliveries_claim, delivery_tried
from orgs.services.happening import happenings_collect
from orgs.webhooks.sending import send
from orgs.webhooks.signing import body_of, signed_headers

SECONDS = 1.0
"""Between two looks, while there is nothing to do."""
THREADS = 8
"""Deliveries that one worker has under way."""
STOP_SECONDS = 3.0
"""So long a worker that stops waits for them; what is under way then is sent again by another."""
USER_AGENT = "Bursar-Webhooks/1"
log = structlog.get_logger()


def deliver_forever(stop: threading.Event) -> None:
    """The background target of a worker."""
    deliverer = Deliverer()
    try:
        while not stop.is_set():
            if not deliverer.step():
                stop.wait(SECONDS)
        deliverer.wait(STOP_SECONDS)
    finally:
        connection.close()


class Deliverer:
    """Has a few deliveries under way at a time, each in a thread of its own: a slow receiver holds up no other."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []

    def step(self) -> bool:
        """Reads and claims. Whether there may be more to do at once."""
        read = happenings_collect()
        self.threads = [thread for thread in self.threads if thread.is_alive()]
        claimed = deliveries_claim(most=THREADS - len(self.threads)) if len(self.threads) < THREADS else []
        for one in claimed:
            # Not of a pool: the process could not end while one of these waits for an answer.
            thread = threading.Thread(target=_deliver_alone, args=(one,), name="webhook", daemon=True)
            self.threads.append(thread)
            thread.start()
        if claimed:
            self.threads[-1].join(0.05)
        return bool(read or claimed)

    def wait(self, seconds: float) -> None:
        """Until all that is under way has ended, but no longer."""
        deadline = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(deadline - time.monotonic(), 0))


def _deliver_alone(claimed: Claimed) -> None:
    try:
        deliver(claimed)
    except Exception:
        log.exception("webhook_failed", delivery=claimed.delivery.pk)
    finally:
        connection.close()


def deliver(claimed: Claimed) -> None:
    """One attempt, noted."""
    delivery = claimed.delivery
    if timezone.now() >= claimed.until:
        return
    body = body_of(payload_of(delivery))
    headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
    headers |= signed_headers(claimed.secrets, uid=str(delivery.uid), timestamp=int(time.time()), body=body)
    outcome = send(delivery.webhook.address, headers, body)
    noted = delivery_tried(claimed=claimed, outcome=outcome)
    log.info("webhook_tried", delivery=delivery.pk, webhook=delivery.webhook_id, status=outcome.status, noted=noted)


def payload_of(delivery: Delivery) -> dict[str, object]:
    """What is sent."""
    return {
        "type": delivery.kind,
        "timestamp": delivery.at.isoformat(),
        "subject": delivery.subject,
        "sequence": delivery.pk,
        "data": delivery.payload,
    }
