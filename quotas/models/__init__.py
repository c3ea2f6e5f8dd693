from .access import DefaultAccess
from .guard import GuardFinding, GuardSetting
from .history import CapacityHour, UsageHour
from .node import Node
from .order import PoolPreference
from .pool import Pool
from .quota import Quota, Rank
from .topology import Topology
from .usage import PoolSummary, UnitUsage
from .version import QuotaVersion

__all__ = [
    "CapacityHour",
    "DefaultAccess",
    "GuardFinding",
    "GuardSetting",
    "Node",
    "Pool",
    "PoolPreference",
    "PoolSummary",
    "Quota",
    "QuotaVersion",
    "Rank",
    "Topology",
    "UnitUsage",
    "UsageHour",
]
