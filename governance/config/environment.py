"""Every setting that the environment gives, as one table. Pure."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

DEVELOPMENT_SECRET = "development-only-secret-not-for-production"  # noqa: S105  # refused in production


@dataclass(frozen=True)
class Setting:
    """One environment variable: its name, its default, and what it means."""

    name: str
    default: str
    meaning: str


SETTINGS: tuple[Setting, ...] = (
    Setting("PLACET_MODE", "development", "`production` turns every safety check on."),
    Setting("PORT", "8000", "Port of the web server on 127.0.0.1."),
    Setting("DATA_DIR", "var", "Where data, logs, packs and keys stand."),
    Setting("DATABASE_URL", "", "PostgreSQL 15 or newer; empty starts the embedded one."),
    Setting("CELERY_BROKER_URL", "", "Redis or RabbitMQ; empty starts the embedded Valkey."),
    Setting("PLACET_SECRET_KEY", DEVELOPMENT_SECRET, "Signs sessions; 50 random characters."),
    Setting(
        "PLACET_ENCRYPTION_KEYS", "", "`id:base64,…` of 32 bytes each; the highest id encrypts."
    ),
    Setting("PLACET_SIGNING_KEY", "", "File with the audit log's Ed25519 seed (32 bytes, base64)."),
    Setting("PLACET_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]", "Host names that are answered."),
    Setting("PLACET_TRUSTED_ORIGINS", "", "Origins of forms behind a proxy, with scheme."),
    Setting("PLACET_HTTPS", "0", "`1` when a proxy serves HTTPS: secure cookies and HSTS."),
    Setting("PLACET_DEMO", "0", "`1` shows the demo organisation's accounts on the sign-in page."),
    Setting("PLACET_CURRENCY", "USD", "The organisation's currency."),
    Setting("PLACET_MODEL_URL", "", "Address of the local model server, set by `make run`."),
    Setting("PLACET_WEB_WORKERS", "1", "Web server processes."),
    Setting(
        "PLACET_GATEWAY_THREADS",
        "48",
        "Streams and long requests that one web process runs at a time.",
    ),
    Setting(
        "PLACET_TOGETHER", "1", "`0` writes each call by itself, not in sets of those waiting."
    ),
    Setting(
        "PLACET_PREPARED",
        "1",
        "`0` behind a pooler that gives each transaction another connection: nothing is prepared.",
    ),
    Setting(
        "PLACET_LOG_LEVEL", "INFO", "Least level of a log line; `WARNING`: none for each call."
    ),
    Setting(
        "PLACET_WEBHOOK_ALLOW",
        "",
        "Private receivers of webhooks, `host:port,…`; they may also be plain http.",
    ),
    Setting(
        "PLACET_METRICS_KEY", "", "What a scraper of `/metrics` brings; empty: loopback alone."
    ),
    Setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT", "", "Where spans and metrics go by OTLP; empty: nowhere."
    ),
    Setting(
        "PLACET_MAIL_URL",
        "",
        "SMTP server for documents, `smtp://user:password@host:port?from=address`, or `smtps://`.",
    ),
)


def read(name: str) -> str:
    """The value of a declared setting; KeyError for one that the table does not name."""
    known = {setting.name: setting.default for setting in SETTINGS}
    return os.environ.get(name, "") or known[name]


def read_flag(name: str) -> bool:
    return read(name).lower() in {"1", "true", "yes", "on"}


def read_list(name: str) -> list[str]:
    return [part.strip() for part in read(name).split(",") if part.strip()]


def database(url: str) -> dict[str, object]:
    """Django's database entry for a postgresql:// address; ValueError for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ValueError("DATABASE_URL must begin with postgresql://")
    query = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "placet",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(query.get("host", "") or parts.hostname or ""),
        "PORT": str(parts.port or query.get("port", "") or ""),
    }
