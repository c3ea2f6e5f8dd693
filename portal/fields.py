"""Column types that the apps share."""

from collections.abc import Collection, Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.fields.related_lookups import RelatedIn
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


class _OneParameter:
    """A statement with hundreds of placeholders takes longer to write than to answer: where the database has arrays,
    the list of an `in` is one of them."""

    plain: type
    """Of values that are as the database's driver takes them."""

    def get_prep_lookup(self: Any) -> Any:
        if isinstance(self.rhs, Collection) and all(type(value) is self.plain for value in self.rhs):
            return list(self.rhs)
        return super().get_prep_lookup()  # type: ignore[misc]

    def as_postgresql(self: Any, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, Sequence[Any]]:
        if not isinstance(self.rhs, list) or any(hasattr(value, "as_sql") for value in self.rhs):
            return super().as_sql(compiler, connection)  # type: ignore[misc,no-any-return]
        values = [value for value in self.rhs if value is not None]
        if not values:
            raise EmptyResultSet
        column, params = self.process_lhs(compiler, connection)
        return f"{column} = any(%s)", [*params, values]


@AsciiField.register_lookup
class OneOfTexts(_OneParameter, In):
    plain = str


@models.IntegerField.register_lookup
class OneOfNumbers(_OneParameter, In):
    plain = int


@models.ForeignKey.register_lookup
class OneOfRows(_OneParameter, RelatedIn):
    plain = int
