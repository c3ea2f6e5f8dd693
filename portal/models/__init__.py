from .audit import AuditEvent
from .lease import Lease

__all__ = ["AuditEvent", "Lease"]
