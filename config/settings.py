"""Django's settings, all from the environment; `make run` needs none.

Not for options that an administrator changes while the system runs: those are rows in the database.
"""

import os
from typing import Any

from bootstrap_wrapper import get_bootstrap_css_dir
from csp.constants import NONE, SELF

from config import environment
from config.kit import paths, secrets
from config.pooled import arrange

BASE_DIR = paths.BASE_DIR
HOME = paths.home()
PART = os.environ.get("POSTKEEP_PART", "")  # which child of the supervisor this is: web, worker, beat, indexer, …

DEBUG = False
SECRET_KEY = secrets.secret_key()
PUBLIC_URL = environment.public_url()
IS_HTTPS = environment.is_https()
WEB_TLS = environment.web_tls()
TRUSTED_PROXIES = environment.trusted_proxies()
ALLOWED_HOSTS = environment.allowed_hosts()
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",
    "csp",
    "django_htmx",
    "heroicons",
    "template_partials.apps.SimpleAppConfig",
    "django_tables2",
    "django_filters",
    "config",
    "config.kit",
    "accounts",
    "jobs",
    "domains",
    "archive",
    "gateway",
    "api",
]

MIDDLEWARE = [
    "config.middleware.RequestIdMiddleware",
    "config.kit.request_figures.RequestFiguresMiddleware",
    "csp.middleware.CSPMiddleware",  # so far out that an answer to an unknown host has the policy too
    "config.middleware.TrustedProxyMiddleware",
    "accounts.networks.NetworkMiddleware",
    "accounts.middleware.BlockedNetworksMiddleware",
    "accounts.middleware.SignInCrowdMiddleware",
    "config.middleware.ServedHostsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.shell.signed_out.SignedInMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.ActorMiddleware",
    "config.shell.meanwhile.ChangedMeanwhileMiddleware",
]

_template_builtins = [
    "template_partials.templatetags.partials",
    "django.templatetags.i18n",
    "django.templatetags.static",
    "config.kit.templatetags.kit",
    "config.kit.templatetags.objects",
]
_template_loaders = ["django.template.loaders.filesystem.Loader", "django.template.loaders.app_directories.Loader"]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                ("template_partials.loader.Loader", [("django.template.loaders.cached.Loader", _template_loaders)])
            ],
            "builtins": _template_builtins,
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.kit.context.shell",
            ],
        },
    }
]
FORM_RENDERER = "config.kit.forms.PostkeepRenderer"

# --- data ---
# A connection is asked before it is used again, so that a restarted database costs nobody an error.
DATABASES: dict[str, Any] = {"default": environment.database() | {"CONN_HEALTH_CHECKS": True}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
arrange(DATABASES["default"], PART)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": environment.redis_url(),
        "KEY_PREFIX": "cache",
    }
}
FILE_UPLOAD_TEMP_DIR = str(paths.uploads_dir()) if PART or paths.uploads_dir().is_dir() else None
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 2_000  # an import may send a folder of single messages

COUNTING_MS = 40  # so long a list that may look at many rows counts them (config.kit.paging.count_in_time)

# --- background work ---
CELERY_BROKER_URL = environment.broker_url()
CELERY_TASK_IGNORE_RESULT = True  # the task row is the truth
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"global_keyprefix": "celery:"}
CELERY_TIMEZONE = "UTC"

# --- people ---
AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["accounts.hashing.PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "name", "first_name", "last_name"]},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.password_rules.NotKnownValidator"},
]
BREACH_LIST = environment.breach_list()
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "accounts:sign-in"

# --- what we connect to (docs/decisions/0010-outgoing-connections.md) ---
ALLOWED_RELAYS = environment.allowed_relays()
ALLOWED_PORTS = environment.allowed_ports()
DNS_SERVERS = environment.dns_servers()
SCANNER_SOCKETS = environment.scanner_sockets()
MX_NAMES = environment.mx_names()

# --- the gateway (mail comes in) ---
GATEWAY = environment.gateway()

# --- our own mails (config.kit.mailing) ---
_smtp = environment.smtp()
EMAIL_HOST, EMAIL_PORT = _smtp["host"], _smtp["port"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _smtp["user"], _smtp["password"]
EMAIL_USE_TLS, EMAIL_USE_SSL = _smtp["tls"] == "starttls", _smtp["tls"] == "tls"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = _smtp["from"]

# --- safety ---
SESSION_ENGINE = "accounts.sessionstore"
SESSION_COOKIE_NAME = "__Host-postkeep" if IS_HTTPS else "postkeep"
SESSION_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 86400
CSRF_COOKIE_NAME = "__Host-postkeep-csrf" if IS_HTTPS else "postkeep-csrf"
CSRF_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "config.shell.errors.csrf_failure"
LANGUAGE_COOKIE_SECURE = IS_HTTPS
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 365 * 86400 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = False
# Other hosts of the organisation and the browsers' preload list are not ours to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # Bootstrap draws its little arrows as data: images
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- the API and the dialects ---
API_REQUESTS_PER_MINUTE = environment.api_requests_per_minute()
DIALECTS = environment.dialects()
ROOT_DIALECT = os.environ.get("POSTKEEP_ROOT_DIALECT", "")  # in a process that serves one dialect's own port
if ROOT_DIALECT:
    # Programs call by whatever name or address leads here, and no page is served: credentials decide, not the host.
    ALLOWED_HOSTS = ["*"]
    ROOT_URLCONF = "api.dialects.root"
    MIDDLEWARE = ["config.middleware.RequestIdMiddleware", "config.middleware.TrustedProxyMiddleware"]
    SECURE_SSL_REDIRECT = False

# --- language and time ---
LANGUAGE_CODE = "en"
# German says everything; the others say what end users meet (config.messages), the rest is in English.
LANGUAGES = [
    ("en", "English"),
    ("de", "Deutsch"),
    ("fr", "Français"),
    ("es", "Español"),
    ("nb", "Norsk bokmål"),
    ("da", "Dansk"),
]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"

# --- static files ---
STATIC_URL = "/static/"
STATIC_ROOT = paths.static_dir()
STATICFILES_DIRS = [BASE_DIR / "static", ("vendor/bootstrap", get_bootstrap_css_dir())]
_is_collected = bool(PART) or (STATIC_ROOT / "staticfiles.json").exists()  # `up` collects before it serves
WHITENOISE_USE_FINDERS = not _is_collected
WHITENOISE_AUTOREFRESH = not _is_collected
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
_manifest = "config.staticfiles.HashedStorage"
_plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _manifest if _is_collected else _plain},
}

# --- words ---
DJANGO_TABLES2_TEMPLATE = "components/table.html"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "config.middleware.RequestIdFilter"},
        "usual": {"()": "config.kit.logbook.UsualLines"},
    },
    "formatters": {
        "line": {
            "()": "config.middleware.LineFormatter",
            "fmt": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s",
        }
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id", "usual"]},
        "logbook": {"class": "config.kit.logbook.LogbookHandler", "formatter": "line", "filters": ["request_id"]},
    },
    "root": {"handlers": ["stderr", "logbook"], "level": "WARNING"},
    "loggers": {
        # Django's own handlers would mail administrators and print twice.
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        "postkeep": {"level": "INFO"},
    },
}
