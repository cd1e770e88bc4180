"""The portal's settings. Whatever differs between hosts comes from the environment:

DEBUG          true on one's own machine only; default false
SECRET_KEY     signs sessions and links; needed to serve pages unless DEBUG
ALLOWED_HOSTS  the names that the portal answers to, with commas between; needed unless DEBUG
DATABASE_URL   such as postgres://user:password@host/name; default: SQLite in var/db.sqlite3. What follows a question
               mark is for the connection, such as sslmode=require; conn_max_age=0 keeps none open between requests
MEDIA_ROOT     the folder that stored files go into; default: var/media
S3_BUCKET      the S3-compatible bucket that they go into instead, which several hosts share. Where it is, and the key
               to it, stand in AWS_ENDPOINT_URL_S3 (unless it is Amazon's), AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID
               and AWS_SECRET_ACCESS_KEY, or wherever else Amazon's tools look
S3_ENCRYPTION  how the bucket's server encrypts each file; default: AES256. Empty where it does so unasked
EMAIL_URL      such as submission://user:password@host:587; default: the console if DEBUG, else port 25 here
EMAIL_FROM     the address that mail comes from; default: portal@localhost
PORTAL_URL     where the portal is, for links in mail; default: http://localhost:8000 if DEBUG, else https:// and the
               first of ALLOWED_HOSTS
SECRET_KEY_FALLBACKS  earlier keys, with commas between: what they signed or sealed can still be read
PROXIES        how many proxies of ours stand before the portal, each adding to X-Forwarded-For; default 0. The
               first of them has to set X-Forwarded-Proto, which says whether a request came by HTTPS
HSTS_SECONDS   for how long browsers keep to HTTPS for this name once they have seen it; default a year
HSTS_SUBDOMAINS  true keeps them to it for all names below this one as well, and lets this one into browsers' own
               list; default false

TASKS          immediate (the default): PDFs are printed before the answer to a request; database: by workers,
               `manage.py db_worker`, of which any number may run on any host

Single sign-on by OpenID Connect is offered only where the first of these is set:

OIDC_SERVER_URL     the server, such as https://login.example.ca/city; its redirect address for the portal is
                    https://<portal>/account/single-sign-on/callback/
OIDC_CLIENT_ID      what that server calls the portal
OIDC_CLIENT_SECRET  what the portal proves itself with
OIDC_NAME           what people call it, as in "Sign in with City account"; default: single sign-on

Reading this file opens no database: `manage.py advise` has none.
"""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

import dj_email_url
import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import Env, validate

from config.logs import told

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


# Not from a request: whoever asks could name another port of the host.
_first = next(iter(ALLOWED_HOSTS), "localhost")
PORTAL_URL = env.str("PORTAL_URL", default="http://localhost:8000" if DEBUG else f"https://{_first}").rstrip(
    "/"
)

# Without a key Django refuses to sign anything, and config.wsgi refuses to start.
SECRET_KEY = env.str("SECRET_KEY", default="") or (_kept_key() if DEBUG else "")
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
SECRET_KEY_IS_SET = bool(SECRET_KEY)

INSTALLED_APPS = [
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    # For htmx itself, which it ships as a static file.
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    # Numbers that people can read.
    "django.contrib.humanize",
    # Before staticfiles: `runserver` then serves files the way that production does.
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    # Last, since it takes back the admin pages of the others.
    "assessments",
    "bulletin",
]

MIDDLEWARE = [
    "assessments.middleware.request_log.with_identifier",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "assessments.middleware.headers.private_by_default",
    "assessments.middleware.address.remember_address",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "assessments.middleware.session_limits.keep_signed_in",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "assessments.middleware.second_step.second_step_first",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

if DEBUG:
    # A demonstration shows people the pages that they would see.
    MIDDLEWARE.append("assessments.middleware.not_found.PlainNotFound")

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
                "assessments.views.waiting.waiting_count",
                "assessments.views.sign_in.menu",
            ],
        },
    },
]
# What a page says once is nobody else's to read, nor a cookie's to carry.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# --- Records ------------------------------------------------------------------

if env.str("DATABASE_URL", default=""):
    DATABASES = {"default": env.dj_db_url("DATABASE_URL")}
else:
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": VAR / "db.sqlite3"}}
_database = DATABASES["default"]
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # Wherever the file is.
    _database["OPTIONS"] = {
        # A transaction takes the write lock as it begins and waits up to 20 seconds for
        # it. One that asks for it half-way can be refused at once.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # WAL lets people read while someone writes; FULL means that what was
        # acknowledged survives a power cut. Neither can be set inside a transaction.
        # Foreign keys are turned on by Django. Without recursive triggers, a row that
        # another replaces would be deleted without its table's triggers hearing of it.
        "init_command": (
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA recursive_triggers = ON"
        ),
    }
else:
    _options = _database.setdefault("OPTIONS", {})
    # A connection serves many requests, and is looked at before each whether it still stands.
    _database |= {"CONN_MAX_AGE": _options.pop("conn_max_age", 600), "CONN_HEALTH_CHECKS": True}
    # Nobody should wait for minutes for a server that does not answer.
    _options.setdefault("connect_timeout", 5)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People -------------------------------------------------------------------

AUTH_USER_MODEL = "assessments.User"
# One backend: a second would hash a wrong password a second time, and only for addresses that exist.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
# New hashes are Argon2; the others are still read, and replaced at the next sign-in.
PASSWORD_HASHERS = [
    f"django.contrib.auth.hashers.{name}PasswordHasher" for name in ("Argon2", "PBKDF2", "Scrypt")
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "register"
ACCOUNT_LOGOUT_REDIRECT_URL = "home"

# A session ends when the browser closes; after some hours without a request, sooner where more is seen; and in any
# case some time after the sign-in. All in seconds.
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_IDLE = {"officer": 30 * 60, "administrator": 12 * 60 * 60, "other": 12 * 60 * 60}
SESSION_LONGEST = {"officer": 12 * 60 * 60, "administrator": 12 * 60 * 60, "other": 7 * 24 * 60 * 60}
ACCOUNT_SESSION_REMEMBER = False

ACCOUNT_ADAPTER = "assessments.views.sign_in.Adapter"
ACCOUNT_FORMS = {
    name: f"assessments.forms.sign_in.{form}"
    for name, form in {
        "login": "SignInForm",
        "change_password": "ChangePasswordForm",
        "set_password": "SetPasswordForm",
        "reset_password": "ResetPasswordForm",
        "reset_password_from_key": "NewPasswordForm",
    }.items()
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
# People come by invitation: whoever invites vouches for the address.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# A link in a mail must lead to HTTPS even where a proxy speaks HTTP to us.
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "http" if DEBUG else "https"
# Django's own: allauth's writes a row for an address that exists, which is work that would tell it from others.
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105
# What changes who can get in asks for the password or the second step again after this many seconds.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
MFA_SUPPORTED_TYPES = ["webauthn", "totp", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Social media self-check"
# A passkey belongs to a name and HTTPS; one's own machine is `localhost`, without.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG
# Nobody can guess a passkey; the limit is there for the work of looking at one.
MFA_RATE_LIMITS = {"webauthn_login": "60/m/ip"}
# The clocks of people's phones differ by a little: the code before and the one after count too.
MFA_TOTP_TOLERANCE = 1
MFA_ADAPTER = "assessments.views.second_step.StepAdapter"
MFA_FORMS = {
    name: f"assessments.forms.second_step.{form}"
    for name, form in {
        "authenticate": "CodeForm",
        "reauthenticate": "ConfirmCodeForm",
        "authenticate_webauthn": "PasskeyForm",
        "reauthenticate_webauthn": "ConfirmPasskeyForm",
        "login_webauthn": "PasskeySignInForm",
        "add_webauthn": "AddPasskeyForm",
    }.items()
}
# Nobody gets an account by single sign-on, and nobody is linked by an address alone.
OIDC_SERVER_URL = env.str("OIDC_SERVER_URL", default="")
OIDC_NAME = env.str("OIDC_NAME", default="single sign-on")
SOCIALACCOUNT_ADAPTER = "assessments.views.single_sign_on.SingleSignOnAdapter"
SOCIALACCOUNT_PROVIDERS = {}
if OIDC_SERVER_URL:
    SOCIALACCOUNT_PROVIDERS["openid_connect"] = {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "oidc",
                "name": OIDC_NAME,
                "client_id": env.str("OIDC_CLIENT_ID"),
                "secret": env.str("OIDC_CLIENT_SECRET"),
                "settings": {"server_url": OIDC_SERVER_URL},
            }
        ],
    }
# How long a link to a new password works.
PASSWORD_RESET_TIMEOUT = 60 * 60

# --- Limits -------------------------------------------------------------------

# Limits on guessing are counted where every worker and host sees them: in the database that is there anyway.
# `manage.py createcachetable` makes its table.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        # At the usual 300 entries, anyone could push out the count of their own guesses with others.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
ACCOUNT_RATE_LIMITS = {
    # At one address, and from one network: a whole City Hall may come from one. A browser in which the person has
    # signed in before is counted by the address alone (assessments.views.sign_in.count_guess).
    "login_failed": "60/m/ip,5/300s/key",
    # Whoever signs in is counted where they guess wrong, and nowhere else.
    "login": "",
    # Not by address alone, or anyone could keep somebody else from a new password.
    "reset_password": "60/m/ip",
    "reset_password_of": "5/m/key",
    "start_check": "60/m/ip",
    "invite": "30/h/user",
}
# Counted by network address: without this, all who come through a proxy would share one.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("PROXIES", default=0)

# --- Work that a request should not wait for ---------------------------------

_tasks = env.str("TASKS", default="immediate", validate=validate.OneOf(["immediate", "database"]))
TASKS = {
    "default": {
        "BACKEND": "django_tasks_db.DatabaseBackend"
        if _tasks == "database"
        else "django_tasks.backends.immediate.ImmediateBackend"
    }
}

# --- Mail ---------------------------------------------------------------------

_mail_url = env.str("EMAIL_URL", default="")
EMAIL_URL_IS_SET = bool(_mail_url)
try:
    _mail = dj_email_url.parse(_mail_url or ("console:" if DEBUG else "smtp://localhost:25"))
    EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
except (KeyError, ValueError):
    # Without the address itself, which has a password, and what Python says of it.
    raise ImproperlyConfigured(
        "EMAIL_URL is no address of a mail server. Write it like submission://user:password@mail.example.ca:587, and "
        "special characters in the password like %40."
    ) from None
EMAIL_HOST, EMAIL_PORT = _mail["EMAIL_HOST"], _mail["EMAIL_PORT"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_USER"], _mail["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail["EMAIL_USE_TLS"], _mail["EMAIL_USE_SSL"]
# Nobody should wait for a mail server that does not answer.
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("EMAIL_FROM", default="portal@localhost")

# --- Words and time -----------------------------------------------------------

LANGUAGE_CODE = "en-ca"
# "Today" is today in Toronto; the database keeps UTC.
TIME_ZONE = "America/Toronto"
USE_TZ = True

# --- Files --------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Never served by address: whoever may see one gets it from a view. `manage.py backup` takes them along.
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default="") or VAR / "media")
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        # Names that carry a hash can be cached for ever, but need `collectstatic` first.
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
if S3_BUCKET := env.str("S3_BUCKET", default=""):
    _encryption = env.str("S3_ENCRYPTION", default="AES256")
    STORAGES["default"] = {
        "BACKEND": "config.bucket.Bucket",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "object_parameters": {"ServerSideEncryption": _encryption} if _encryption else {},
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
        # htmx asks this site, and no other.
        "connect-src": [SELF],
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
# Whoever comes by HTTP is sent on to HTTPS, but for the proxy and those who watch the portal from within.
SECURE_SSL_REDIRECT = not DEBUG
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = 0 if DEBUG else env.int("HSTS_SECONDS", default=365 * 24 * 60 * 60)
# Only whoever looks after all the names below this one can tell that each of them has HTTPS; browsers that have heard
# it do not forget it for a year. So Django's check does not ask for it.
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool("HSTS_SUBDOMAINS", default=False)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if ALLAUTH_TRUSTED_PROXY_COUNT:
    # Without a proxy of ours anybody could send this header.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# A form whose token no longer fits is given back with what was typed.
CSRF_FAILURE_VIEW = "assessments.views.public.csrf_failure"
# An answers file is at most 1 MB; this leaves room for what a form adds to it.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
# Stored PDFs are read by the portal alone.
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
# What someone sends never lies on this machine's disk in a file of its own; a longer one is dropped.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

# --- Log ----------------------------------------------------------------------

# To standard error and nowhere else. Django would also mail errors to the administrators, with
# all that the request carried: people's answers.
_each_line: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
structlog.configure(
    processors=[*_each_line, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "config.logs.Lines",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        },
        # A line of JSON for each event, for whatever gathers the lines of several hosts.
        "json": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(told),
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
            "foreign_pre_chain": _each_line,
        },
    },
    "filters": {
        "keys": {"()": "config.logs.WithoutKeys"},
        "refused": {"()": "config.logs.RefusedInOneLine"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line" if DEBUG else "json",
            "filters": ["keys", "refused"],
        }
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        # On one's own machine `runserver` says what was asked for.
        "portal": {"handlers": ["stderr"], "level": "WARNING" if DEBUG else "INFO", "propagate": False},
    },
}
