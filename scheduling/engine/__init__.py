"""The scheduling engine: a snapshot in, decisions with reasons out.

No Django, no I/O, no clock, no randomness; the types are in `types`.
"""

from .obvious import decide

__all__ = ["decide"]
