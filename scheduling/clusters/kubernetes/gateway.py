"""The gateway to a real Kubernetes cluster."""

from __future__ import annotations

from .acting import Acting
from .calls import QUESTIONS_IN_FLIGHT
from .credentials import Credentials
from .kinds import KINDS
from .namespaces import Namespaces
from .objects import Objects
from .official import OfficialClient
from .reading import Reading
from .sending import CALLS_IN_FLIGHT
from .transport import Transport
from .watching import Watching


class KubernetesGateway(Watching, Acting, Namespaces, Objects, Reading):
    """Implements `Gateway`. `allow_local` admits a cluster on this host.

    A call takes at most `call_timeout_seconds`.
    """

    def __init__(self, credentials: Credentials, *, call_timeout_seconds: float, allow_local: bool) -> None:
        connections = CALLS_IN_FLIGHT + QUESTIONS_IN_FLIGHT + len(KINDS) + 3
        transport = Transport(credentials, connections=connections, allow_local=allow_local)
        super().__init__(transport, timeout_seconds=call_timeout_seconds)

    def check(self) -> str:
        return OfficialClient(self.transport, self.timeout_seconds).version()

    def require_rights(self) -> None:
        OfficialClient(self.transport, self.timeout_seconds).require_rights()

    def close(self) -> None:
        self.transport.close()
