"""The scheduling engine: a snapshot in, decisions with reasons out.

No Django, no I/O, no clock, no randomness; the types are in `types` and `decisions`.
"""

from .engine import Engine, decide
from .options import Options

__all__ = ["Engine", "Options", "decide"]
