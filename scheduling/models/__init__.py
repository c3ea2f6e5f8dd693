from .allocation import Allocation
from .assignment import Assignment
from .decision import OPEN_STATES, Decision
from .event import Event
from .pod import Pod
from .pool_try import PoolChoice, PoolTry
from .promise import PromiseRecord
from .question import Question
from .report import CycleReport, PoolSample
from .saved_cycle import SavedCycle
from .simulated import SimObject
from .sub_group import SubGroup
from .tour import TourClosed
from .untaken import UntakenPod
from .waiting import WaitClass, Waiting
from .workload import TO_REMOVE, Priority, Workload, WorkloadSpec

__all__ = [
    "OPEN_STATES",
    "TO_REMOVE",
    "Allocation",
    "Assignment",
    "CycleReport",
    "Decision",
    "Event",
    "Pod",
    "PoolChoice",
    "PoolSample",
    "PoolTry",
    "Priority",
    "PromiseRecord",
    "Question",
    "SavedCycle",
    "SimObject",
    "SubGroup",
    "TourClosed",
    "UntakenPod",
    "WaitClass",
    "Waiting",
    "Workload",
    "WorkloadSpec",
]
