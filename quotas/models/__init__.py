from .node import Node
from .pool import Pool
from .quota import Quota, Rank
from .usage import PoolSummary, UnitUsage

__all__ = ["Node", "Pool", "PoolSummary", "Quota", "Rank", "UnitUsage"]
