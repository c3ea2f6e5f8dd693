from .access import DefaultAccess
from .guard import GuardFinding, GuardSetting
from .history import CapacityHour, UsageHour
from .node import Node
from .order import PoolPreference
from .pool import Pool
from .quota import Quota, Rank
from .rolled import LendingDay, RolledUp, UsageDay, UsageMonth
from .topology import Topology
from .usage import PoolSummary, UnitUsage
from .version import QuotaVersion

__all__ = [
    "CapacityHour",
    "DefaultAccess",
    "GuardFinding",
    "GuardSetting",
    "LendingDay",
    "Node",
    "Pool",
    "PoolPreference",
    "PoolSummary",
    "Quota",
    "QuotaVersion",
    "Rank",
    "RolledUp",
    "Topology",
    "UnitUsage",
    "UsageDay",
    "UsageHour",
    "UsageMonth",
]
