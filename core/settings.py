from __future__ import annotations

from datetime import timedelta

import django
from csp.constants import NONE, SELF

from core.env import (
    BASE_DIR,
    broker,
    database,
    email,
    env,
    fallback_secrets,
    limits,
    listens_on,
    metrics_token,
    one_address,
    one_line,
    rate,
    secret,
)

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = secret("SECRET_KEY", debug=DEBUG)
SECRET_KEY_FALLBACKS = fallback_secrets("SECRET_KEY_FALLBACKS", debug=DEBUG)  # still believed, while keys are changed

# Where we are reached
PUBLIC_URL = env.str("PUBLIC_URL", default="http://localhost:8011").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)  # that append to X-Forwarded-For
ROOT_URLCONF = "core.urls"
WSGI_APPLICATION = "core.wsgi.application"
WEB_ADDRESSES = listens_on(debug=DEBUG)
WEB_PORT = env.int("PORT", default=8011)
WEB_PROCESSES = env.int("WEB_PROCESSES", default=2)
WEB_THREADS = env.int("WEB_THREADS", default=4)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    *(["django.contrib.postgres"] if django.VERSION >= (6, 1) else []),  # which asks for it
    "corsheaders",
    "csp",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "core",
    "workflows",
    "tasks",
    "engine",  # after those that override its commands
    "engine.worker",  # after those that declare effects
    "api",
    "web",
    "django.contrib.admin",  # after web, which overrides its templates
]
MIDDLEWARE = [
    "core.http.middleware.RequestIdMiddleware",
    "core.http.middleware.SecurityHeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "core.http.probes.ProbesMiddleware",
    "web.middleware.Compress",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.observability.tracing.RequestSpanMiddleware",
    "api.middleware.Problems",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "core.http.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "web.middleware.StaffSessions",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "web.middleware.ProblemPages",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "web.context.page",
            ]
        },
    },
    {
        "NAME": "mail",
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "workflows" / "mail" / "templates"],
        "OPTIONS": {"environment": "workflows.mail.rendering.environment"},
    },
]

# Opening a connection costs more than the work of a task.
DATABASES = {
    "default": {
        **database(debug=DEBUG),
        "CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=300),
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,  # a pooler gives no session of their own
    }
}
ENGINE_POOLER_KEEPS_PREPARED_STATEMENTS = env.bool(
    "POOLER_KEEPS_PREPARED_STATEMENTS", default=False
)  # PgBouncer 1.21 or newer (docs/scaling.md)
# celery#10554: Celery closes the connection around every task unless this is very large.
CELERY_DB_REUSE_MAX = 1_000_000

# The broker only notifies, so every wait on it is short (docs/adr/0004-rows-are-the-record.md)
BROKER_URL = ENGINE_BROKER_URL = broker(debug=DEBUG)
ENGINE_CELERY_IMPORTS = ["tasks.tidy"]
ENGINE_BEAT_SCHEDULE = {"tidy": {"task": "tasks.tidy.tidy_up", "schedule": 600.0, "options": {"expires": 60}}}
ENGINE_WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", default=2)
ENGINE_OPERATE_PERMISSION = "core.operate_effects"
ENGINE_PAUSE_EXTERNAL_EFFECTS = env.bool("PAUSE_EXTERNAL_EFFECTS", default=False)  # for a restored database
EFFECT_RETENTION_DAYS = env.int("EFFECT_RETENTION_DAYS", default=400)  # purged after it; 0: never
STATEMENT_RETENTION_DAYS = env.int("STATEMENT_RETENTION_DAYS", default=90)  # texts of ignored bank lines; 0: for good
# Heads of closed days, to be carried elsewhere; empty: to the log alone.
HISTORY_HEADS_DIR = env.str("HISTORY_HEADS_DIR", default=str(BASE_DIR / "var" / "heads"))
ENGINE_WORKER_QUEUES = env.list("WORKER_QUEUES", default=[])  # of this worker; empty: all

# People
AUTH_USER_MODEL = "core.User"
SESSION_ENGINE = "core.security.sessions"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email"]},
    },
    {"NAME": "core.validation.passwords.OurWordsValidator"},
]
PASSWORD_RESET_TIMEOUT = 7 * 24 * 3600  # seconds, of the longest: workflows/mail/signed_links.py
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/home/"  # web.signing_in
REST_KNOX = {
    "AUTH_HEADER_PREFIX": "Bearer",
    "TOKEN_TTL": timedelta(hours=12),  # idle
    "AUTO_REFRESH": True,
    "AUTO_REFRESH_MAX_TTL": timedelta(days=30),  # in all
    "MIN_REFRESH_INTERVAL": 300,
}

DEMO_PASSWORD = env.str("DEMO_PASSWORD", default="")  # of the log-ins of seed_demo

# So many at once, and as many again spread over the time (core/security/rate_limits.py)
LIMITS = {
    "login": limits("LIMIT_LOGIN", "pair=20/1h account=100/1h address=500/10m"),
    "register": limits("LIMIT_REGISTER", "address=300/1m"),
    "mail": limits("LIMIT_MAIL", "pair=20/1h account=40/1h address=500/10m"),
    "link": limits("LIMIT_LINK", "address=300/5m"),
    "trial": limits("LIMIT_TRIAL", "address=20/1d domain=20/1d", names=("address", "domain")),
    "trial_most": limits("LIMIT_TRIAL_MOST", "address=100/1d domain=100/1d", names=("address", "domain")),
}
# By account, all its people together.
ACCOUNT_LIMITS = limits(
    "LIMIT_ACCOUNT",
    "plan=20/1d claim=50/1d invitation=20/1d billing_email=10/1d time_zone=10/1d site=100/1d link=50/1d document=20/1d "
    "document_mail=20/1d",
    names=("plan", "claim", "invitation", "billing_email", "time_zone", "site", "link", "document", "document_mail"),
)

# API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.tokens.BearerToken"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["api.parsers.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "api.parsers.Negotiation",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "api.pagination.NewestFirst",
    "DEFAULT_SCHEMA_CLASS": "api.schema.Schema",
    "EXCEPTION_HANDLER": "api.problems.handle",
    "URL_FORMAT_OVERRIDE": None,  # `?format=` is ours
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Countersign",
    "VERSION": "1",
    "DESCRIPTION": "Subscription billing for customers who pay outside a card gateway. Errors are RFC 9457 problem "
    "documents; the `type` of each is a page of this server.",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "PREPROCESSING_HOOKS": ["api.schema.only_versioned"],
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "api.schema.complete"],
    "ENUM_NAME_OVERRIDES": {
        "AccountStatus": "core.models.Account.Status",
        "DocumentFormat": "core.models.Document.Format",
        "DocumentKind": "core.models.Document.Kind",
        "DocumentStatus": "core.models.Document.Status",
        "EffectEventKind": "engine.models.EffectEvent.What",
        "EffectPauseScope": "engine.models.EffectPause.Scope",
        "EffectState": "engine.models.Effect.State",
        "InvoiceLineKind": "core.models.InvoiceLine.Kind",
        "InvoiceLineUnit": "core.models.InvoiceLine.Unit",
        "InvoiceStatus": "core.models.Invoice.Status",
        "MemberRole": "core.models.Membership.Role",
        "PaymentStatus": "core.models.Payment.Status",
        "RejectionReason": "core.models.Payment.Reason",
        "SiteRole": "core.models.SiteUserAccess.Role",
        "SubscriptionStatus": "core.models.Subscription.Status",
        "SuggestionClass": "workflows.bank.matching.CLASSES",
    },
    "ENUM_SUFFIX": "",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

# Mail
globals().update(email())
MAIL_FROM = env.str("MAIL_FROM", default="Countersign <billing@demo.test>")
DEFAULT_FROM_EMAIL = MAIL_FROM
MAIL_RATE = rate("MAIL_RATE")  # of the mail server; empty: no limit
MAIL_REPLY_TO = one_address(env.str("MAIL_REPLY_TO", default=""), "MAIL_REPLY_TO")  # where answers to mails go
# How customers reach people.
SUPPORT_CONTACT = one_line(env.str("SUPPORT_CONTACT", default=""), "SUPPORT_CONTACT") or MAIL_REPLY_TO
OPERATOR_EMAILS = env.list("OPERATOR_EMAILS", default=["operator@demo.test"])

# Language, time, files
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ar", "العربية")]  # of customers' pages and mails; staff read English
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
WHITENOISE_USE_FINDERS = DEBUG

# Transport security. HTTPS ends at a proxy.
IS_HTTPS = PUBLIC_URL.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES > 0 else None
SECURE_SSL_REDIRECT = env.bool("SSL_REDIRECT", default=IS_HTTPS and TRUSTED_PROXIES > 0)
SECURE_SSL_HOST = PUBLIC_URL.partition("://")[2].partition("/")[0]
# Probes come from inside. Over http the API refuses: a redirected client would go on sending its token.
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$", "^api/(?!docs/)"]
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000 if IS_HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # a preload list is for the owner of the domain
SECURE_REFERRER_POLICY = "same-origin"  # with no-referrer browsers send `Origin: null`, and no form is accepted
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_NAME = "__Host-sessionid" if IS_HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if IS_HTTPS else "csrftoken"
LANGUAGE_COOKIE_NAME = "__Host-language" if IS_HTTPS else "language"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # a cookie would show them to the browser
CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
CONTENT_SECURITY_POLICY = {  # the API has its own (api/middleware.py)
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],  # ASVS 3.4.3 wants it by name
    }
}
CORS_ALLOWED_ORIGINS = env.list("CORS_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = ["authorization", "content-type", "idempotency-key", "if-none-match", "prefer", "x-request-id"]
CORS_EXPOSE_HEADERS = ["content-disposition", "etag", "idempotent-replayed", "retry-after", "x-request-id"]

METRICS_TOKEN = metrics_token(debug=DEBUG)
OTEL_EXPORTER_OTLP_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
LOG_FORMAT = env.str("LOG_FORMAT", default="text")
FORMATTERS = {
    "text": {
        "()": "core.observability.logging.TextFormatter",
        "format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s",
    },
    "json": {"()": "core.observability.logging.JsonFormatter"},
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": FORMATTERS,
    "filters": {"refusals": {"()": "core.observability.logging.RefusalsInOneLine"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["refusals"]}},
    "loggers": {  # they would log each notification, one a second
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
}
