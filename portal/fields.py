"""Column types that the apps share."""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class AsciiField(models.CharField):
    """Text compared byte by byte, so that one plain index serves equality, order and prefix on both databases.

    SQLite compares so already; on PostgreSQL the collation "C" does it (DATA, section 1).
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        parameters = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters
