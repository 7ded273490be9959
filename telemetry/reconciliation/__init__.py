"""Reconciliation: a provider's invoice or usage file beside the ledger, difference by difference."""
