from .audit import AuditEvent, AuditSeal
from .lease import Lease

__all__ = ["AuditEvent", "AuditSeal", "Lease"]
