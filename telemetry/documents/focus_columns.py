"""FOCUS 1.2: the columns that are written and what the specification says of each. Pure.

https://focus.finops.org/focus-specification/v1-2/. `MANDATORY` is all of its mandatory columns;
of the others those are written for which there are figures. Columns of our own begin with x_, as
it asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    MANDATORY = "Mandatory"
    CONDITIONAL = "Conditional"
    RECOMMENDED = "Recommended"
    OWN = "Custom"


class Type(StrEnum):
    STRING = "String"
    DECIMAL = "Decimal"
    DATETIME = "Date/Time"
    JSON = "JSON"


@dataclass(frozen=True)
class Column:
    """A column, whether it may be null, the values it may have, and where ours come from."""

    name: str
    level: Level
    type: Type
    nullable: bool
    mapping: str
    values: tuple[str, ...] = ()


_M, _C, _R, _X = Level.MANDATORY, Level.CONDITIONAL, Level.RECOMMENDED, Level.OWN
_S, _D, _T, _J = Type.STRING, Type.DECIMAL, Type.DATETIME, Type.JSON
_COST = "the ledger's amount, as it was booked; no other reductions are known"

COLUMNS: tuple[Column, ...] = (
    Column("BilledCost", _M, _D, False, _COST),
    Column("BillingAccountId", _M, _S, False, "organisation- and its number in Placet"),
    Column("BillingAccountName", _M, _S, True, "the organisation's name"),
    Column("BillingCurrency", _M, _S, False, "the ledger's currency"),
    Column("BillingPeriodEnd", _M, _T, False, "the first of the month after, exclusive"),
    Column("BillingPeriodStart", _M, _T, False, "the month that the line is booked to"),
    Column(
        "ChargeCategory",
        _M,
        _S,
        False,
        "Usage for calls and shared cost, Credit and Adjustment as booked",
        ("Usage", "Purchase", "Tax", "Credit", "Adjustment"),
    ),
    Column(
        "ChargeClass",
        _M,
        _S,
        True,
        "Correction where an entry points back to one of an earlier month",
        ("Correction",),
    ),
    Column("ChargeDescription", _M, _S, True, "what the line is, in words"),
    Column("ChargePeriodEnd", _M, _T, False, "the day after, exclusive"),
    Column("ChargePeriodStart", _M, _T, False, "the day on which it happened"),
    Column("ContractedCost", _M, _D, False, "the ledger's amount: tiers and discount are in it"),
    Column("EffectiveCost", _M, _D, False, _COST),
    Column("InvoiceIssuerName", _M, _S, False, "the organisation, which charges its teams"),
    Column(
        "ListCost",
        _M,
        _D,
        False,
        "the same tokens at the first tier without the discount; else the ledger's amount",
    ),
    Column(
        "PricingQuantity",
        _M,
        _D,
        True,
        "tokens in and out; 1 month for shared cost (-1 for one reversed); none for others",
    ),
    Column("PricingUnit", _M, _S, True, "Tokens or Months, where there is a quantity"),
    Column("ProviderName", _M, _S, False, "the organisation, which lets its teams use models"),
    Column("PublisherName", _M, _S, False, "the model's provider; else the organisation"),
    Column(
        "ServiceCategory",
        _M,
        _S,
        False,
        "always AI and Machine Learning",
        ("AI and Machine Learning",),
    ),
    Column("ServiceName", _M, _S, False, "the deployment's name; else the kind of entry"),
    Column(
        "ChargeFrequency",
        _R,
        _S,
        False,
        "Usage-Based for calls, Recurring for shared cost, One-Time for others",
        ("One-Time", "Recurring", "Usage-Based"),
    ),
    Column(
        "CommitmentDiscountCategory",
        _C,
        _S,
        True,
        "Spend, for live calls in the days of a promise to the deployment",
        ("Spend", "Usage"),
    ),
    Column("CommitmentDiscountId", _C, _S, True, "the promise that these calls use up"),
    Column("CommitmentDiscountName", _C, _S, True, "the promise, in words"),
    Column("CommitmentDiscountQuantity", _C, _D, True, "the ledger's amount, which it is used by"),
    Column(
        "CommitmentDiscountStatus",
        _C,
        _S,
        True,
        "Used; what is unused is shared cost, a line of its own",
        ("Used", "Unused"),
    ),
    Column("CommitmentDiscountType", _C, _S, True, "Committed spend, where there is a promise"),
    Column("CommitmentDiscountUnit", _C, _S, True, "the ledger's currency, where there is one"),
    Column("ConsumedQuantity", _C, _D, True, "as PricingQuantity"),
    Column("ConsumedUnit", _C, _S, True, "as PricingUnit"),
    Column(
        "ContractedUnitPrice",
        _C,
        _D,
        True,
        "ContractedCost by PricingQuantity: the mean of all kinds of tokens",
    ),
    Column("InvoiceId", _R, _S, False, "the statement: cost centre and month"),
    Column(
        "ListUnitPrice",
        _C,
        _D,
        True,
        "ListCost by PricingQuantity: the mean of all kinds of tokens",
    ),
    Column(
        "PricingCategory",
        _C,
        _S,
        True,
        "Committed in the days of a promise, else Standard; for calls and shared cost",
        ("Standard", "Dynamic", "Committed", "Other"),
    ),
    Column("RegionId", _C, _S, True, "the deployment's region"),
    Column("RegionName", _C, _S, True, "the deployment's region"),
    Column("ResourceId", _C, _S, True, "the deployment's slug"),
    Column("ResourceName", _C, _S, True, "the deployment's name"),
    Column("ResourceType", _C, _S, True, "Model deployment, where there is one"),
    Column("SkuId", _C, _S, True, "the deployment's tokens, or shared cost"),
    Column("SkuMeter", _C, _S, True, "what is counted: Tokens or Months"),
    Column("SkuPriceDetails", _C, _J, True, "always empty"),
    Column("SkuPriceId", _C, _S, True, "SkuId and the day from which its prices hold"),
    Column("ServiceSubcategory", _R, _S, False, "always Generative AI", ("Generative AI",)),
    Column("SubAccountId", _C, _S, True, "the team's cost centre"),
    Column("SubAccountName", _C, _S, True, "the team's name"),
    Column("Tags", _C, _J, True, "the use case's slug, the kind of entry and its source"),
    Column("x_Calls", _X, _D, False, "calls that began with one of these entries"),
    Column("x_Entries", _X, _D, False, "ledger entries in this row"),
    Column("x_Seal", _X, _S, True, "the statement's SHA-256 once its month is closed"),
    Column("x_TokensInput", _X, _D, False, "tokens in"),
    Column("x_TokensOutput", _X, _D, False, "tokens out"),
    Column("x_UseCase", _X, _S, True, "the use case's title"),
)

NAMES = tuple(column.name for column in COLUMNS)
MANDATORY = tuple(column.name for column in COLUMNS if column.level == Level.MANDATORY)
