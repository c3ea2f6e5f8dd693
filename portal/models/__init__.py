from .audit import AuditEvent, AuditSeal
from .feed import Change, Feed
from .kept_answer import KeptAnswer
from .lease import Lease, LiveWorker

__all__ = ["AuditEvent", "AuditSeal", "Change", "Feed", "KeptAnswer", "Lease", "LiveWorker"]
