"""On what a role can be granted; reviews adds its queues."""

from __future__ import annotations

from django.db import models

from governance.kernel.registries import Registry

grant_scopes: Registry[type[models.Model]] = Registry("grant scopes")
