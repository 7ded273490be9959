"""The stages of the governed call, in the order in which the pipeline runs them."""
