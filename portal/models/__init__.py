from .audit import AuditEvent, AuditSeal
from .feed import Change, Feed
from .lease import Lease

__all__ = ["AuditEvent", "AuditSeal", "Change", "Feed", "Lease"]
