"""What people read about wrong fields on the pages of this domain."""

from __future__ import annotations

import msgspec

from partner_portal.kernel.errors import FieldError, Invalid

_FORMS = {"name": "name-form", "email": "email-form", "phone": "phone-form", "colour": "colour-form", "website": "website-form"}


def plain(problem: Invalid, form: type[msgspec.Struct]) -> Invalid:
    """The problem as this form says it: in the order of its fields, and what a field must look like is said for that field."""
    order = [f"/{name}" for name in form.__struct_fields__]
    faults = sorted(problem.fields, key=lambda fault: order.index(fault.pointer) if fault.pointer in order else len(order))
    return Invalid(*(_told(fault) for fault in faults))


def _told(fault: FieldError) -> FieldError:
    form = _FORMS.get(fault.pointer.rpartition("/")[2]) if fault.code == "pattern" else None
    return FieldError(fault.pointer, form, fault.facts) if form else fault
