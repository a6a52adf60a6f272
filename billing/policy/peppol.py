"""Electronic addresses in Peppol: the lists of identifiers there are, and what those of the Netherlands look like."""

from __future__ import annotations

import re

from partner_portal.kernel.errors import FieldError, Invalid

SCHEMES = frozenset({
    "0002", "0007", "0009", "0060", "0088", "0096", "0097", "0106", "0130", "0135", "0142", "0151", "0183", "0184", "0188", "0190", "0191", "0192",
    "0195", "0196", "0198", "0199", "0200", "0201", "0204", "0208", "0209", "0210", "0211", "0216", "0218", "0221", "0225", "0230", "0235", "0240",
    "0242", "0244", "0245", "0246", "0248", "9910", "9913", "9914", "9915", "9918", "9919", "9920", "9922", "9923", "9924", "9925", "9926", "9927",
    "9928", "9929", "9930", "9931", "9932", "9933", "9934", "9935", "9936", "9937", "9938", "9939", "9940", "9941", "9942", "9943", "9944", "9945",
    "9946", "9947", "9948", "9949", "9950", "9951", "9952", "9953", "9957", "9959",
})  # fmt: skip
"""The schemes of Peppol's list of electronic addresses (EAS)."""
_FORMS = {"0106": "[0-9]{8}", "0190": "[0-9]{20}", "9944": "NL[0-9]{9}B[0-9]{2}"}
_ANY = r"[0-9A-Za-z][0-9A-Za-z:._-]*"


def fault(scheme: str | None, identifier: str | None) -> str | None:
    """Which of `scheme` and `identifier` cannot be so; None for an address that can be, and for none at all."""
    if not scheme and not identifier:
        return None
    if not scheme or scheme not in SCHEMES:
        return "scheme"
    return None if identifier and re.fullmatch(_FORMS.get(scheme, _ANY), identifier) else "identifier"


def must_be_one(scheme: str | None, identifier: str | None) -> None:
    """Raises Invalid at /endpoint_scheme or /endpoint_id, whichever cannot be so."""
    if wrong := fault(scheme, identifier):
        name, code = {"scheme": ("endpoint_scheme", "not-a-peppol-scheme"), "identifier": ("endpoint_id", "not-a-peppol-address")}[wrong]
        raise Invalid(FieldError(f"/{name}", code))
