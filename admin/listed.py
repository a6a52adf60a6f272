"""A table as the admin serves it, and who may see which."""

from __future__ import annotations

from typing import Any

import msgspec
from piccolo.columns import Column, ForeignKey
from piccolo.table import Table
from piccolo_admin.endpoints import TableConfig
from piccolo_api.crud.endpoints import OrderBy
from piccolo_api.crud.hooks import Hook

from partner_portal.kernel.actor import StaffRole

from . import labels
from .screens import Rights, validators

FINANCE, DESK, EDITOR, ADMINISTRATOR = (
    frozenset({role, StaffRole.ADMINISTRATOR})
    for role in (StaffRole.FINANCE, StaffRole.SERVICE_DESK, StaffRole.EDITOR, StaffRole.ADMINISTRATOR)
)
WORKERS = FINANCE | DESK
EVERYBODY = frozenset(StaffRole)


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One table: `columns` are shown in its list, the first that is a plain value leads to the row; `order` as in the admin's addresses."""

    table: type[Table]
    group: str
    rights: Rights
    columns: str
    order: str
    filters: str = ""
    hooks: tuple[Hook, ...] = ()
    fields: tuple[str, ...] = ()
    """What is asked for a new row."""

    @property
    def name(self) -> str:
        """The table's name in the database, which is its address in the admin."""
        name: str = self.table._meta.tablename  # noqa: SLF001  # Piccolo's way to a table's name
        return name

    def config(self) -> TableConfig:
        """The table as piccolo-admin takes it."""
        columns = self._named(self.columns)
        return TableConfig(
            self.table,
            visible_columns=columns,
            visible_filters=self._named(self.filters or self.columns),
            link_column=next(column for column in columns if not isinstance(column, ForeignKey) and not self._is_named(column)),
            order_by=[OrderBy(getattr(self.table, self.order.removeprefix("-")), ascending=not self.order.startswith("-"))],
            menu_group=self.group,
            hooks=list(self.hooks),
            validators=validators(self.rights),
        )

    def _is_named(self, column: Column) -> bool:
        """The screens show a link's value as it is stored, so a column whose values have names of their own makes a poor link."""
        return labels.choices(self.name, column._meta.name, "en") is not None  # noqa: SLF001

    def _named(self, names: str) -> list[Any]:
        return [getattr(self.table, name) for name in names.split()]
