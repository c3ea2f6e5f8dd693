from .access_key import AccessKey, AccessKeyUse, usable
from .application import Application
from .cluster import ClusterInfo
from .device import DeviceSignIn
from .group import Group, GroupMember
from .mapping import Mapping
from .project import ProjectInfo
from .role import Role, RolePermission
from .rule import AccessRule, in_force
from .rule_sync import RuleSync
from .subject import Subject
from .unit import OrgUnit, UnitKind, UnitState
from .user import User
from .webhook import Delivery, HappeningCursor, Webhook

__all__ = [
    "AccessKey",
    "AccessKeyUse",
    "AccessRule",
    "Application",
    "ClusterInfo",
    "Delivery",
    "DeviceSignIn",
    "Group",
    "GroupMember",
    "HappeningCursor",
    "Mapping",
    "OrgUnit",
    "ProjectInfo",
    "Role",
    "RolePermission",
    "RuleSync",
    "Subject",
    "UnitKind",
    "UnitState",
    "User",
    "Webhook",
    "in_force",
    "usable",
]
