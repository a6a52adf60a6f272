"""What a service's contract fixes beside time: its kind, its buyout rule, how it was concluded, how unused days are given back."""

from __future__ import annotations

from enum import StrEnum


class ServiceKind(StrEnum):
    """Which law looks at the service (rules.md 1.4)."""

    ECS = "ECS"  # internet access, number-based telephony, transmission
    BUNDLE = "BUNDLE"
    CLOUD = "CLOUD"
    OTHER = "OTHER"


class Channel(StrEnum):
    """How the contract was concluded (P4: it can be ended the same way)."""

    ONLINE = "online"
    PHONE = "phone"
    LETTER = "letter"
    IN_PERSON = "in person"


class BuyoutMethod(StrEnum):
    """How the remaining time is counted (rules.md 2.1)."""

    FULL_STARTED = "FULL_STARTED"
    FULL_FLOOR_DAYS = "FULL_FLOOR_DAYS"
    CAL_DAYS = "CAL_DAYS"


class ScaleKind(StrEnum):
    """Which part of the remaining fee is charged (rules.md 2.1)."""

    NONE = "none"
    PERCENTAGE = "percentage"
    BY_CONTRACT_MONTH = "by_contract_month"
    BY_MOMENT = "by_moment"


class CreditMode(StrEnum):
    """How fees paid for unused days are given back (rules.md 2.1, advance credit)."""

    CAL = "CAL"
    YEAR_365 = "365"
    MONTHS = "MONTHS"
