"""Use cases, scores, risk, stages, metrics and datasets."""
