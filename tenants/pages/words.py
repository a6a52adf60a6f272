"""What people read about wrong fields on the pages of this domain."""

from __future__ import annotations

from partner_portal.kernel.errors import FieldError, Invalid

_FORMS = {"name": "name-form", "email": "email-form", "phone": "phone-form"}


def plain(problem: Invalid) -> Invalid:
    """The problem as a form says it: what a field must look like is said for that field."""
    return Invalid(*(_told(fault) for fault in problem.fields))


def _told(fault: FieldError) -> FieldError:
    form = _FORMS.get(fault.pointer.rpartition("/")[2]) if fault.code == "pattern" else None
    return FieldError(fault.pointer, form, fault.facts) if form else fault
