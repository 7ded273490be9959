"""Licences by the names that SPDX and the Hugging Face Hub give them. Pure."""

from __future__ import annotations

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

# What the Hub's metadata knows and SPDX does not:
# https://huggingface.co/docs/hub/repositories-licenses
HUB_ONLY = frozenset(
    [
        "openrail",
        "creativeml-openrail-m",
        "openrail++",
        "bigscience-openrail-m",
        "bigcode-openrail-m",
        "bigscience-bloom-rail-1.0",
        "bsl-1.0",
        "deepfloyd-if-license",
        "fair-noncommercial-research-license",
        "llama2",
        "llama3",
        "llama3.1",
        "llama3.2",
        "llama3.3",
        "llama4",
        "grok2-community",
        "gemma",
        "apple-ascl",
        "apple-amlr",
        "h-research",
        "intel-research",
        "c-uda",
        "unknown",
    ]
)


def spdx(licence: str) -> str:
    """The SPDX expression as its list spells it; empty when it is not one."""
    try:
        return str(canonicalize_license_expression(licence.strip()))
    except InvalidLicenseExpression:
        return ""


def is_single(expression: str) -> bool:
    """Whether the SPDX expression is one identifier of the list."""
    return " " not in expression and not expression.startswith(("LicenseRef-", "("))


def to_hub(licence: str) -> dict[str, str]:
    """The metadata that names a licence on the Hub; other terms go by their own name."""
    expression = spdx(licence)
    if expression and is_single(expression):
        return {"license": expression.lower()}
    if licence in HUB_ONLY:
        return {"license": licence}
    return {"license": "other", "license_name": licence} if licence else {}


def from_hub(licence: str, name: str) -> str:
    """The licence that the Hub's metadata names."""
    if licence.lower() == "other":
        return name or "other"
    return spdx(licence) or licence
