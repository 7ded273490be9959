"""Django's settings, from the environment alone (the table stands in environment.py)."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from governance.config.environment import (
    DEVELOPMENT_SECRET,
    database,
    read,
    read_flag,
    read_list,
)
from governance.config.schedule import BEAT_SCHEDULE

BASE_DIR = Path(__file__).resolve().parents[2]
DATA_DIR = Path(read("DATA_DIR")).absolute()
PRODUCTION = read("PLACET_MODE") == "production"
DEBUG = False
SECRET_KEY = read("PLACET_SECRET_KEY")
HTTPS = read_flag("PLACET_HTTPS")
ALLOWED_HOSTS = read_list("PLACET_ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = read_list("PLACET_TRUSTED_ORIGINS")
PLACET_DEMO = read_flag("PLACET_DEMO")
PLACET_GATEWAY_THREADS = int(read("PLACET_GATEWAY_THREADS"))
PLACET_TOGETHER = read_flag("PLACET_TOGETHER")
PLACET_CURRENCY = read("PLACET_CURRENCY")
PLACET_WEBHOOK_ALLOW = read_list("PLACET_WEBHOOK_ALLOW")
PLACET_MODEL_URL = read("PLACET_MODEL_URL")
PLACET_MAIL_URL = read("PLACET_MAIL_URL")
# What mails write before a page's path: the first origin behind the proxy, else this machine.
_ORIGINS = [one.rstrip("/") for one in CSRF_TRUSTED_ORIGINS if "*" not in one]
PLACET_ADDRESS = _ORIGINS[0] if _ORIGINS else f"http://127.0.0.1:{read('PORT')}"
PLACET_METRICS_KEY = read("PLACET_METRICS_KEY")
OTLP_ENDPOINT = read("OTEL_EXPORTER_OTLP_ENDPOINT")
PLACET_SIGNING_KEY = read("PLACET_SIGNING_KEY") or str(DATA_DIR / "signing.key")
PLACET_ENCRYPTION_KEYS = read("PLACET_ENCRYPTION_KEYS")

if PRODUCTION:
    if SECRET_KEY == DEVELOPMENT_SECRET or len(SECRET_KEY) < 50:
        raise ImproperlyConfigured(
            "Placet did not start: PLACET_SECRET_KEY must be at least 50 random characters."
        )
    if not PLACET_ENCRYPTION_KEYS:
        raise ImproperlyConfigured(
            "Placet did not start: set PLACET_ENCRYPTION_KEYS to `1:` and 32 random bytes in base64."
        )
    if not HTTPS:
        raise ImproperlyConfigured(
            "Placet did not start: cookies would travel over plain HTTP. "
            "Serve it behind HTTPS and set PLACET_HTTPS=1."
        )
    if os.environ.get("DEBUG") or os.environ.get("DJANGO_DEBUG"):
        raise ImproperlyConfigured("Placet did not start: debug is on. Unset DEBUG.")
elif not PLACET_ENCRYPTION_KEYS:
    _derived = hashlib.sha256(f"payloads:{SECRET_KEY}".encode()).digest()
    PLACET_ENCRYPTION_KEYS = "1:" + base64.b64encode(_derived).decode()

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "guardian",
    "django_htmx",
    "csp",
    "lucide",
    "rest_framework",
    "drf_spectacular",
    "governance.kernel",
    "governance.audit",
    "governance.access",
    "governance.home",
    "governance.approvals",
    "governance.model_cards",
    "governance.registry",
    "governance.policy",
    "governance.incidents",
    "governance.compliance",
    "telemetry.alerts",
    "telemetry.webhooks",
    "telemetry.ledger",
    "telemetry.chargeback",
    "telemetry.allocation",
    "telemetry.documents",
    "telemetry.deliveries",
    "telemetry.reconciliation",
    "telemetry.drift",
    "telemetry.savings",
    "reviews.queues",
    "reviews.calendars",
    "reviews.questions",
    "reviews.intake",
    "reviews.decisions",
    "reviews.feedback",
    "reviews.quality",
    "reviews.board",
    "prompts.catalogue",
    "prompts.releases",
    "prompts.gateway",
    "prompts.batches",
    "prompts.evaluation",
    "prompts.corrections",
    "governance.config",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "governance.config.middleware.RequestContext",
    "governance.config.middleware.HarmlessText",
    "governance.config.middleware.SentLimits",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "governance.kernel.web.ActorMiddleware",
    "governance.kernel.web.ErrorMiddleware",
]

ROOT_URLCONF = "governance.config.urls"
ASGI_APPLICATION = "governance.config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "governance.home.context.shell",
            ],
            "builtins": ["governance.home.templatetags.placet"],
        },
    }
]

# Only what asks for it is prepared (governance/kernel/statements.py); without a number, nothing.
CONNECTION: dict[str, Any] = {"prepare_threshold": 5 if read_flag("PLACET_PREPARED") else None}
DATABASES = {
    "default": database(read("DATABASE_URL") or "postgresql://postgres@/placet?host=/tmp")
    | {
        "OPTIONS": CONNECTION,
        "CONN_MAX_AGE": 0,
        "TEST": {"NAME": os.environ.get("PLACET_TEST_DB")},
    }
}
PLACET_IS_WEB = os.environ.get("PLACET_PROCESS") == "web"
if PLACET_IS_WEB:
    CONNECTION["pool"] = {"min_size": 2, "max_size": 20, "timeout": 10}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "access.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home:index"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "governance.home.adapter.MailingAdapter"
ACCOUNT_FORMS = {
    "change_password": "governance.access.password_forms.ChangeForm",
    "confirm_password_reset_code": "governance.access.password_forms.CodeForm",
    "reset_password_from_key": "governance.access.password_forms.ResetForm",
}
# A code that is typed, not a link: no address may hold a secret, for addresses are logged.
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 900
# No mail to an address of nobody: anybody may ask for one.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = True

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = f"placet_session_{read('PORT')}"
CSRF_COOKIE_NAME = f"placet_csrf_{read('PORT')}"
SECURE_SSL_REDIRECT = HTTPS
# A scraper on this machine speaks to the process itself, in plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5_000_000
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "governance.config.uploads.SealedUploadHandler",
]
# Where files are taken, which are read piece by piece: bytes of the whole request.
PLACET_FILE_UPLOADS = {
    "/batches/new/": 51_000_000,
    "/api/v1/batches/": 51_000_000,
    "/reconciliation/upload/": 5_100_000,
    "/api/v1/reconciliations/": 5_500_000,
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "governance.home.staticfiles.PlotlyFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
if not (STATIC_ROOT / "staticfiles.json").exists() or os.environ.get("PLACET_TEST"):
    STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    WHITENOISE_USE_FINDERS = True
WHITENOISE_MANIFEST_STRICT = False

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "governance.access.api_authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["governance.access.api_foundation.DeclaredPermission"],
    "DEFAULT_PAGINATION_CLASS": "governance.access.api_foundation.CursorPagination",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["governance.access.api_parser.LimitedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "governance.access.api_errors.problem_details",
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Placet",
    "DESCRIPTION": "The control plane for LLM use in an organisation.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "governance.access.api_schema.free_json_may_be_null",
        "governance.access.api_schema.errors_are_problems",
    ],
    # Many things have a state; the schema names each set of them after its thing.
    "ENUM_NAME_OVERRIDES": {
        "ApprovalStateEnum": "governance.approvals.models.APPROVAL_STATE_CHOICES",
        "AgendaItemStateEnum": "governance.approvals.meeting_models.AGENDA_STATE_CHOICES",
        "MeetingStateEnum": "governance.approvals.meeting_models.MEETING_STATE_CHOICES",
        "PointActionEnum": "governance.approvals.discussion_models.POINT_ACTION_CHOICES",
        "PointStateEnum": "governance.approvals.discussion_models.POINT_STATE_CHOICES",
        "EvaluationRunStateEnum": "prompts.evaluation.models.RUN_STATE_CHOICES",
        "EvaluationResultStateEnum": "prompts.evaluation.models.RESULT_STATE_CHOICES",
        "CorrectionExportKindEnum": "prompts.corrections.models.EXPORT_KIND_CHOICES",
        "CorrectionExportStateEnum": "prompts.corrections.models.EXPORT_STATE_CHOICES",
        "BatchStateEnum": "prompts.batches.models.BATCH_STATE_CHOICES",
        "WorkStateEnum": "telemetry.chargeback.closing_models.RUN_STATE_CHOICES",
        "WebhookDeliveryStateEnum": "telemetry.webhooks.models.DELIVERY_STATE_CHOICES",
        "DocumentDeliveryStateEnum": "telemetry.deliveries.models.STATE_CHOICES",
        "ChangeStateEnum": "governance.approvals.models.CHANGE_STATE_CHOICES",
        "ControlStateEnum": "governance.compliance.rules.CONTROL_STATE_CHOICES",
        "GrantRoleEnum": "governance.access.models.ROLE_CHOICES",
        "MessageRoleEnum": "prompts.catalogue.rendering.ROLES",
        "IncidentSeverityEnum": "governance.incidents.models.SEVERITY_CHOICES",
        "IncidentStateEnum": "governance.incidents.models.INCIDENT_STATE_CHOICES",
        "ReviewVerdictEnum": "reviews.decisions.rules.VERDICT_CHOICES",
        "FinalVerdictEnum": "reviews.decisions.rules.FINAL_VERDICT_CHOICES",
        "BulkVerdictEnum": "reviews.decisions.rules.BULK_VERDICT_CHOICES",
        "FeedbackThumbEnum": "reviews.feedback.models.THUMBS",
        "ReviewQuestionStateEnum": "reviews.questions.models.QUESTION_STATE_CHOICES",
        "HandOverStateEnum": "reviews.board.models.HAND_OVER_STATE_CHOICES",
        "ReviewItemStateEnum": "reviews.queues.models.ITEM_STATES",
        "AnswerCheckActionEnum": "prompts.releases.checks.ACTIONS",
    },
}

CELERY_BROKER_URL = read("CELERY_BROKER_URL") or "memory://"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "housekeeping"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE = BEAT_SCHEDULE
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")

LOGGING_CONFIG = "governance.config.logs.configure"
LOGGING = {"level": read("PLACET_LOG_LEVEL").upper()}
if LOGGING["level"] not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
    raise ImproperlyConfigured(
        "Placet did not start: PLACET_LOG_LEVEL is DEBUG, INFO, WARNING, ERROR or CRITICAL."
    )
