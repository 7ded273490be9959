"""Attacks and look-alikes, written for this product, and how often the screens tell them apart."""
