from .cluster import ClusterInfo
from .project import ProjectInfo
from .role import Role, RolePermission
from .rule import AccessRule
from .subject import Subject
from .unit import OrgUnit, UnitKind, UnitState
from .user import User

__all__ = [
    "AccessRule",
    "ClusterInfo",
    "OrgUnit",
    "ProjectInfo",
    "Role",
    "RolePermission",
    "Subject",
    "UnitKind",
    "UnitState",
    "User",
]
