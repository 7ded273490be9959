"""Freezes the registries once every app has plugged in what it brings."""

from django.apps import AppConfig


class KernelConfig(AppConfig):
    name = "governance.kernel"
    label = "kernel"
