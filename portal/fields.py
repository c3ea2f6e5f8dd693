"""Column types that the apps share."""

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.lookups import In


class AsciiField(models.CharField):
    """Text compared byte by byte, so that one plain index serves equality, order and prefix on both databases.

    SQLite compares so already; on PostgreSQL the collation "C" does it (DATA, section 1).
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        parameters = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters


@AsciiField.register_lookup
class OneOf(In):
    """As `in`, with the whole list as one parameter where the database has arrays: a statement with hundreds of
    placeholders takes longer to write than to answer."""

    lookup_name = "one_of"

    def as_postgresql(self, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        texts = list(self.rhs)
        if not texts:
            raise EmptyResultSet
        column, params = self.process_lhs(compiler, connection)
        return f"{column} = any(%s)", [*params, texts]
