"""The portal's settings. What differs between hosts comes from the environment:

DEBUG          true on one's own machine only; default false
SECRET_KEY     signs links and encrypts sessions; needed to serve pages unless DEBUG
ALLOWED_HOSTS  the host names that the portal answers to, separated by commas; needed unless DEBUG
DATABASE_URL   such as postgres://user:password@host/name; default: SQLite in var/db.sqlite3. What follows a question
               mark sets options of the connection, such as sslmode=verify-full for TLS with a checked certificate;
               conn_max_age=0 closes it after a request
MEDIA_ROOT     the folder for stored files; default: var/media
S3_BUCKET      the S3-compatible bucket for stored files, instead of a folder, which several hosts can share. Its
               address and key come from AWS_ENDPOINT_URL_S3 (unless it is Amazon's), AWS_DEFAULT_REGION,
               AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or from wherever else Amazon's tools look
S3_ENCRYPTION  how the bucket's server encrypts each file; default: AES256. Empty if it encrypts without being asked
EMAIL_URL      such as submission://user:password@host:587; default: files in var/mail if DEBUG, else port 25 here
EMAIL_FROM     the sender's address of emails; default: portal@localhost
OPERATOR_EMAIL  the address that gets an email when a scheduled command fails; default: none
METRICS_TOKEN  lets Prometheus read /metrics, as "Authorization: Bearer <token>"; at least 32 characters. Without it,
               that page does not exist
PORTAL_URL     the portal's own URL, for links in emails; default: http://localhost:8000 if DEBUG, else https:// and
               the first of ALLOWED_HOSTS
SECRET_KEY_FALLBACKS  earlier keys, separated by commas: what they signed or encrypted can still be read
PROXIES        how many of our own proxies a request passes, each adding to X-Forwarded-For; default 0. The first of
               them must set X-Forwarded-Proto to whether the request came by HTTPS
HSTS_SECONDS   for how many seconds browsers use only HTTPS for this name once they have visited it; default a year
SECURITY_CONTACT  where people report a vulnerability: an email address, or a page that begins with https://. Without
               it, there is no /.well-known/security.txt
HSTS_SUBDOMAINS  true extends that to all names below this one, and lets browsers list this name as HTTPS only;
               default false

SECOND_STEP    roles (the default): officers and administrators need a passkey or an authenticator app as well as a
               password; everyone: so do members and their staff

TASKS          immediate (the default): PDFs are printed before a request is answered; database: workers print them,
               `manage.py db_worker`, any number on any hosts

Single sign-on by OpenID Connect is offered only where the first of these is set:

OIDC_SERVER_URL     the server, which is the only issuer whose tokens count, such as https://login.example.ca/city or
                    https://login.microsoftonline.com/<tenant ID>/v2.0. Its redirect address for the portal is
                    PORTAL_URL/account/single-sign-on/callback/
OIDC_CLIENT_ID      the portal's name at that server
OIDC_CLIENT_SECRET  the portal's secret at that server
OIDC_NAME           what people call it, as in "Sign in with City account"; default: single sign-on
OIDC_ORGANIZATION   the organization that people must belong to, if the server also signs in others: with Google, the
                    domain (hd) of your Workspace. Entra's tenant is in OIDC_SERVER_URL
OIDC_ONLY           true: people sign in by single sign-on only, and no page takes a password; default false
OIDC_SECOND_STEP    the claims that count as a second step, separated by commas, such as amr:mfa or acrs:c1;
                    default: none, so officers and administrators set one up here

Each of these can be in a file instead, as containers keep secrets: SECRET_KEY_FILE has the path of the file with
SECRET_KEY, and so on. The AWS_ names are for Amazon's tools, which have a file of their own.

This file must not open a database: `manage.py advise` has none.
"""

import contextlib
import os
import re
import secrets
import tempfile
from pathlib import Path
from typing import Any

import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import FileAwareEnv, validate

from config.contact import contact_uri
from config.logs import safe_traceback
from config.mail import mail_settings
from config.oidc import Provider, ProviderFault, provider_of

env = FileAwareEnv(strip_whitespace=True)

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = BASE_DIR / "var"

DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[])


def _machine_key() -> str:
    """Return this machine's own key, which is made on first use. A restart then keeps people signed in."""
    path = VAR / "secret_key"
    if not path.exists():
        # If two processes start together, one links its key when it is whole, and the other reads that.
        with tempfile.NamedTemporaryFile("w", dir=VAR, prefix="secret_key.") as temporary:
            temporary.write(secrets.token_urlsafe(50))
            temporary.flush()
            with contextlib.suppress(FileExistsError):
                os.link(temporary.name, path)
    return path.read_text()


# Not from a request, which could name another port of the host.
_host = next(iter(ALLOWED_HOSTS), "localhost")
PORTAL_URL = env.str("PORTAL_URL", default="http://localhost:8000" if DEBUG else f"https://{_host}").rstrip(
    "/"
)

# Without a key Django refuses to sign anything, and config.wsgi refuses to start.
SECRET_KEY = env.str("SECRET_KEY", default="") or (_machine_key() if DEBUG else "")
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
SECRET_KEY_IS_SET = bool(SECRET_KEY)

INSTALLED_APPS = [
    # First, since their commands go before Django's of the same name.
    "assessments",
    "bulletin",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    # It ships htmx itself as a static file.
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    # Formats numbers for people.
    "django.contrib.humanize",
    # Before staticfiles, so that `runserver` serves files as production does.
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "assessments.middleware.after_response.work_after_response",
    "assessments.middleware.request_log.with_identifier",
    # Before all that can answer by itself, so that every response has their headers.
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "assessments.middleware.headers.private_by_default",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "assessments.middleware.headers.read_as_utf_8",
    "assessments.middleware.address.remember_address",
    "assessments.middleware.database_down.DatabaseDown",
    "assessments.middleware.earlier_cookies.rename_cookies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "assessments.middleware.session_limits.keep_signed_in",
    "allauth.account.middleware.AccountMiddleware",
    "assessments.middleware.password_queue.PasswordQueue",
    "django.contrib.messages.middleware.MessageMiddleware",
    "assessments.middleware.second_step.second_step_first",
]

if DEBUG:
    # A demonstration shows our own page for what is not found, not Django's for programmers.
    MIDDLEWARE.append("assessments.middleware.not_found.PlainNotFound")

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            # Replaces Django's `csrf_token`, in forms of other packages too.
            "builtins": ["assessments.templatetags.made_for"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "assessments.views.waiting.waiting_count",
                "assessments.views.layout.bulletin_url",
                "assessments.views.sign_in.menu",
            ],
        },
    },
]
# Messages are private: they are kept in the session, not in a cookie.
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
    # For the default file and for any other.
    _database["OPTIONS"] = {
        # A transaction takes the write lock when it begins, and waits up to 4 seconds for it, so that people get
        # back what they typed within 5. One that asks for the lock only later can be refused without a wait.
        "transaction_mode": "IMMEDIATE",
        "timeout": 4,
        # WAL lets people read while someone writes. With FULL, an acknowledged write survives
        # a power cut. Neither can be set inside a transaction. Django turns on foreign keys.
        # Without recursive triggers, replacing a row would delete the old one without
        # running its table's triggers.
        "init_command": (
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA recursive_triggers = ON"
        ),
    }
else:
    _options = _database.setdefault("OPTIONS", {})
    # A connection serves many requests, and is checked before each.
    _database |= {"CONN_MAX_AGE": _options.pop("conn_max_age", 600), "CONN_HEALTH_CHECKS": True}
    # People get back what they typed within 5 seconds if the server does not answer. How long a request waits for a
    # row that stays locked is in assessments/middleware/database_down.py: commands wait for as long as it takes.
    _options.setdefault("connect_timeout", 4)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People -------------------------------------------------------------------

AUTH_USER_MODEL = "assessments.User"
# Only one: a second backend would hash a wrong password again, but only for addresses that exist, and the time
# would show which do.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
# New hashes are Argon2. The others can still be checked, and are replaced at the next sign-in.
PASSWORD_HASHERS = [
    "assessments.services.hashing.LimitedArgon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"config.passwords.{name}"}
    for name in ("LongEnough", "NotLikeThePerson", "NotCommon", "NotAboutThePortal")
]

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "register"
ACCOUNT_LOGOUT_REDIRECT_URL = "home"

SESSION_ENGINE = "config.sessions"
# A session ends when the browser closes, after a time without a request (shorter for those who can see more), and
# in any case after a time from the sign-in. All in seconds.
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
        "reauthenticate": "ConfirmPasswordForm",
    }.items()
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
# People join by invitation: whoever invites them vouches for the address.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# A link in an email must use HTTPS even where a proxy speaks HTTP to us.
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "http" if DEBUG else "https"
# Django's own: allauth's writes a row for an address that exists, and the time this takes would show that it does.
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105
# Seconds after which an action that affects who can sign in asks for the password or the second step again.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
SECOND_STEP_FOR_EVERYONE = (
    env.str("SECOND_STEP", default="roles", validate=validate.OneOf(["roles", "everyone"])) == "everyone"
)
MFA_SUPPORTED_TYPES = ["webauthn", "totp", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Social media self-check"
# A passkey belongs to a host name with HTTPS. On one's own machine that is `localhost`, without HTTPS.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG
# A passkey cannot be guessed: the limit is for the work of verifying one.
MFA_RATE_LIMITS = {"webauthn_login": "60/m/ip"}
# The clocks of phones differ a little, so the previous code and the next one are accepted too.
MFA_TOTP_TOLERANCE = 1
USERSESSIONS_ADAPTER = "assessments.views.sign_in.SessionsAdapter"
MFA_ADAPTER = "assessments.views.second_step.StepAdapter"
MFA_FORMS = {
    name: f"assessments.forms.second_step.{form}"
    for name, form in {
        "activate_totp": "AppForm",
        "authenticate": "CodeForm",
        "reauthenticate": "ConfirmCodeForm",
        "authenticate_webauthn": "PasskeyForm",
        "reauthenticate_webauthn": "ConfirmPasskeyForm",
        "login_webauthn": "PasskeySignInForm",
        "add_webauthn": "AddPasskeyForm",
    }.items()
}
# The one provider of single sign-on, or None. allauth keeps the links to it; assessments.oidc talks to it.
OIDC: Provider | None = None
OIDC_SERVER_URL = env.str("OIDC_SERVER_URL", default="")
OIDC_ONLY = env.bool("OIDC_ONLY", default=False)
if OIDC_SERVER_URL:
    try:
        OIDC = provider_of(
            server_url=OIDC_SERVER_URL,
            client_id=env.str("OIDC_CLIENT_ID"),
            client_secret=env.str("OIDC_CLIENT_SECRET"),
            name=env.str("OIDC_NAME", default=""),
            organization=env.str("OIDC_ORGANIZATION", default=""),
            second_step=env.str("OIDC_SECOND_STEP", default=""),
            only=OIDC_ONLY,
        )
    except ProviderFault as fault:
        raise ImproperlyConfigured(str(fault)) from None
elif OIDC_ONLY:
    raise ImproperlyConfigured("OIDC_ONLY is set, but OIDC_SERVER_URL is not, so no one could sign in.")
# How long a link to a new password works.
PASSWORD_RESET_TIMEOUT = 60 * 60

# --- Limits -------------------------------------------------------------------

# Limits on guessing are counted where every worker and host sees the counts: in the database, which is there anyway.
# `manage.py createcachetable` makes the table.
CACHES = {
    "default": {
        "BACKEND": "config.cache.Cache",
        "LOCATION": "cache",
        # With the usual 300 entries, anyone could evict the count of their own guesses by making others.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
ACCOUNT_RATE_LIMITS = {
    # By email address, and by network: a whole City Hall may share one network. A browser in which the person has
    # signed in before is counted by the email address only (assessments.views.guesses).
    "login_failed": "60/m/ip,5/300s/key",
    # Wrong guesses at one person's password, or codes, from all browsers in which they have not signed in before.
    "guesses_together": "20/h/key,50/d/key",
    # Once there are that many: what each network may still guess. The person can be in a new browser, too.
    "guesses_when_many": "1/300s/key",
    # And of codes, all networks together: three codes of a million are right at any moment.
    "codes_when_many": "100/d/key",
    # A passkey cannot be guessed: the limit is for the work of verifying one.
    "passkey": "60/m/ip",
    # Only wrong guesses are counted.
    "login": "",
    # Not by email address alone, or anyone could keep somebody else from getting a new password. By the hour too, so
    # that nobody fills a mailbox.
    "reset_password": "60/m/ip",
    "reset_password_of": "5/m/key,20/h/key",
    # Each departure writes a session, and has a thread wait for the provider's answers.
    "single_sign_on": "60/m/ip",
    "start_check": "60/m/ip",
    # An answers file is seldom so large, even with a note on each question (views.public.LARGE_FILE).
    "large_file": "5/h/ip",
    "invite": "30/h/user",
    # Each list has at most 500 people (forms.invitation_list), and was previewed. Only sending it is counted.
    "invite_list": "3/h/user",
    "change_email": "5/h/user",
}
# Limits count network addresses. Without this number, everybody behind a proxy would share one.
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
_mail = mail_settings(_mail_url or "smtp://localhost:25")
EMAIL_BACKEND, EMAIL_FILE_PATH = _mail["EMAIL_BACKEND"], _mail["EMAIL_FILE_PATH"]
if DEBUG and not EMAIL_URL_IS_SET:
    EMAIL_BACKEND, EMAIL_FILE_PATH = "config.mail.MailToFiles", VAR / "mail"
EMAIL_HOST, EMAIL_PORT = _mail["EMAIL_HOST"], _mail["EMAIL_PORT"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_USER"], _mail["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail["EMAIL_USE_TLS"], _mail["EMAIL_USE_SSL"]
# Nobody should wait for a mail server that does not answer.
EMAIL_TIMEOUT = 10
# Who gets an email when a scheduled command fails (`manage.py report_failure`).
OPERATOR_EMAIL = env.str("OPERATOR_EMAIL", default="")
if OPERATOR_EMAIL and not re.fullmatch(r"[^@\s,;]+@[^@\s,;]+", OPERATOR_EMAIL):
    raise ImproperlyConfigured(
        "OPERATOR_EMAIL is not one email address. Set it to an address such as portal@example.ca, or remove it."
    )
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("EMAIL_FROM", default="portal@localhost")

# --- Words and time -----------------------------------------------------------

LANGUAGE_CODE = "en-ca"
# "Today" is the day in Toronto. The database keeps UTC.
TIME_ZONE = "America/Toronto"
USE_TZ = True

# --- Files --------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Never served by URL: a view gives a file to those who may see it. `manage.py backup` includes them.
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default="") or VAR / "media")
# No other site needs our styles, scripts and fonts.
WHITENOISE_ALLOW_ALL_ORIGINS = False
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        # Names with a hash can be cached for ever, but need `collectstatic` first.
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
        "object-src": [NONE],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "script-src": [SELF],
        # htmx sends requests to this site only.
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
# Browsers send our cookies by HTTPS only, except on one's own machine, which has no HTTPS.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
# By its name, a browser takes such a cookie from this host alone, so that no other site below the same domain can
# set one. Browsers refuse the name without HTTPS.
COOKIE_PREFIX = "" if DEBUG else "__Host-"
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken"
CHECK_COOKIE_NAME = f"{COOKIE_PREFIX}check"
KNOWN_COOKIE_NAME = f"{COOKIE_PREFIX}known"
# Requests by HTTP are redirected to HTTPS, except those of the proxy and of monitoring.
SECURE_SSL_REDIRECT = not DEBUG
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
SECURE_HSTS_SECONDS = 0 if DEBUG else env.int("HSTS_SECONDS", default=365 * 24 * 60 * 60)
# Off unless asked for: only whoever runs all the names below this one knows that each has HTTPS, and browsers
# remember the instruction for a year. So Django's checks for it are silenced.
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool("HSTS_SUBDOMAINS", default=False)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if ALLAUTH_TRUSTED_PROXY_COUNT:
    # Without a proxy of ours, anybody could send this header.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# As a URI, for security.txt.
SECURITY_CONTACT = contact_uri(env.str("SECURITY_CONTACT", default="").strip())
# A form with an outdated token is shown again with what was typed.
CSRF_FAILURE_VIEW = "assessments.views.public.csrf_failure"
# An answers file has at most 1 MB. The rest is room for what a form adds.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
# Stored PDFs are read by the portal alone.
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
# An upload is never written to this machine's disk. One that is too long for memory is dropped.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

# --- Monitoring -----------------------------------------------------------------

# Sent in a header, so only ASCII.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
if METRICS_TOKEN and not re.fullmatch(r"[!-~]{32,}", METRICS_TOKEN):
    raise ImproperlyConfigured(
        "METRICS_TOKEN needs at least 32 letters, digits or punctuation marks, without spaces. Make one with: "
        "openssl rand -hex 32"
    )

# --- Log ----------------------------------------------------------------------

# To standard error only. Django would also mail errors to the administrators, with everything in
# the request, including people's answers.
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
        # A line of JSON per event, for a collector of several hosts' logs.
        "json": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(safe_traceback),
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
            "foreign_pre_chain": _each_line,
        },
    },
    "filters": {
        "keys": {"()": "config.logs.WithoutKeys"},
        "refused": {"()": "config.logs.RefusedInOneLine"},
        "requests": {"()": "config.logs.WithoutRequests"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line" if DEBUG else "json",
            "filters": ["keys", "refused", "requests"],
        }
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        # On one's own machine, `runserver` itself logs each request.
        "portal": {"handlers": ["stderr"], "level": "WARNING" if DEBUG else "INFO", "propagate": False},
    },
}
