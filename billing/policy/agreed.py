"""What a service's contract fixes beside time: its kind, how it was concluded, how leaving early is priced, how unused days are given back."""

from __future__ import annotations

from enum import StrEnum


class ServiceKind(StrEnum):
    """Electronic communication, a bundle with it, data processing (Data Act), or anything else."""

    ECS = "ECS"
    BUNDLE = "BUNDLE"
    CLOUD = "CLOUD"
    OTHER = "OTHER"


class Channel(StrEnum):
    """How the contract was concluded."""

    ONLINE = "ONLINE"
    DISTANCE = "DISTANCE"
    OFF_PREMISES = "OFF_PREMISES"
    ON_PREMISES = "ON_PREMISES"


class Method(StrEnum):
    """How the remaining time is counted: started months, whole months and odd days, or calendar days."""

    FULL_STARTED = "FULL_STARTED"
    FULL_FLOOR_DAYS = "FULL_FLOOR_DAYS"
    CAL_DAYS = "CAL_DAYS"


class ScaleKind(StrEnum):
    """One percentage, one by the contract month each remaining month lies in, or one by the moment of leaving."""

    PERCENTAGE = "percentage"
    BY_CONTRACT_MONTH = "by_contract_month"
    BY_MOMENT = "by_moment"


class ClawbackMode(StrEnum):
    """Whether a discount is claimed back in proportion, or whole while anything of its term remains."""

    PRO_RATA = "pro_rata"
    FULL = "full"


class ResidualMode(StrEnum):
    """Whether equipment loses its value by started months or by days."""

    MONTHS = "months"
    DAYS = "days"


class CreditMode(StrEnum):
    """What is given back of a fee paid in advance; MONTHS returns only months that begin after the end."""

    CAL = "CAL"
    YEAR_365 = "365"
    E30_360 = "30E360"
    MONTHS = "MONTHS"
    NONE = "NONE"
