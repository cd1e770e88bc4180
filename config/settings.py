"""The portal's settings. Whatever differs between hosts comes from the environment:

DEBUG          true on one's own machine only; default false
SECRET_KEY     signs sessions and links; needed to serve pages unless DEBUG
ALLOWED_HOSTS  the names that the portal answers to, with commas between; needed unless DEBUG
DATABASE_URL   such as postgres://user:password@host/name; default: SQLite in var/db.sqlite3

Reading this file opens no database: `manage.py advise` has none.
"""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from csp.constants import NONE, SELF
from environs import Env

env = Env()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = BASE_DIR / "var"

DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[])


def _kept_key() -> str:
    """Return this machine's own key, made on first use, so that a restart signs nobody out."""
    kept = VAR / "secret_key"
    if not kept.exists():
        # Of two processes that start together one links its key, whole, and the other finds it there.
        with tempfile.NamedTemporaryFile("w", dir=VAR, prefix="secret_key.") as made:
            made.write(secrets.token_urlsafe(50))
            made.flush()
            with contextlib.suppress(FileExistsError):
                os.link(made.name, kept)
    return kept.read_text()


# Without a key Django refuses to sign anything, and config.wsgi refuses to start.
SECRET_KEY = env.str("SECRET_KEY", default="") or (_kept_key() if DEBUG else "")
SECRET_KEY_IS_SET = bool(SECRET_KEY)

INSTALLED_APPS = [
    "assessments",
    "bulletin",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    # Before staticfiles: `runserver` then serves files the way that production does.
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

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
            ],
        },
    },
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# --- Records ------------------------------------------------------------------

if env.str("DATABASE_URL", default=""):
    DATABASES = {"default": env.dj_db_url("DATABASE_URL")}
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": VAR / "db.sqlite3",
            "OPTIONS": {
                # A transaction takes the write lock as it begins and waits up to 20 seconds for
                # it. One that asks for it half-way can be refused at once.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                # WAL lets people read while someone writes; FULL means that what was
                # acknowledged survives a power cut. Neither can be set inside a transaction.
                # Foreign keys are turned on by Django.
                "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
            },
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People -------------------------------------------------------------------

AUTH_USER_MODEL = "assessments.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# --- Words and time -----------------------------------------------------------

LANGUAGE_CODE = "en-ca"
# "Today" is today in Toronto; the database keeps UTC.
TIME_ZONE = "America/Toronto"
USE_TZ = True

# --- Files --------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        # Names that carry a hash can be cached for ever, but need `collectstatic` first.
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- Safety -------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "script-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
# A browser keeps our cookies to HTTPS, which one's own machine does not have.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
# An answers file is at most 1 MB; this leaves room for what a form adds to it.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

# --- Log ----------------------------------------------------------------------

# To standard error and nowhere else. Django would also mail errors to the administrators, with
# all that the request carried: people's answers.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"django": {"handlers": ["stderr"], "level": "INFO", "propagate": False}},
}
