"""Which accounting packages this portal knows, by the names that connections use."""

from __future__ import annotations

from collections.abc import Callable

from partner_portal.kernel.errors import Refused

from .files import Files
from .moneybird import Moneybird
from .port import Accounting, Setup
from .xero import Xero

PACKAGES: dict[str, Callable[[Setup], Accounting]] = {Files.name: Files, Moneybird.name: Moneybird, Xero.name: Xero}
"""An adapter joins by its line here: the package's name and its class, which is made of a Setup."""


class PackageUnknown(Refused):
    """A connection names a package that this version of the portal does not have."""


def of(package: str, setup: Setup) -> Accounting:
    """The adapter of this package; PackageUnknown."""
    made = PACKAGES.get(package)
    if made is None:
        raise PackageUnknown(package=package)
    return made(setup)
