"""Settings from the environment, safe by default.

``JIUJI_DEMO=1`` is for trying things out on one machine: example data, demo accounts, secrets made on first start and
kept in ``JIUJI_DATA``. Without it every secret must be given; nothing has a default that would be dangerous.

| variable | meaning |
|---|---|
| ``JIUJI_DATA`` | folder for the database, uploads and (demo) secrets; default ``var`` |
| ``DATABASE_URL`` | ``postgres://…``; default SQLite in ``JIUJI_DATA`` |
| ``JIUJI_SECRET_KEY_FILE`` | file with Django's secret key |
| ``JIUJI_KEYS_FILE`` | file with the keys of protected identifiers |
| ``JIUJI_HOSTS`` | names under which the site answers, by commas |
| ``JIUJI_HTTPS`` | ``0`` where the site is reached without TLS (this machine only) |
| ``JIUJI_CHAIN`` | ``sha256`` or ``sm3`` for new events |
| ``JIUJI_CIPHER`` | ``aes-256-gcm`` or ``sm4-gcm`` for new keys |
| ``JIUJI_OIDC_*`` | ``NAME``, ``SERVER``, ``CLIENT``, ``SECRET_FILE`` of a government identity provider |
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from . import sqlite_driver

sqlite_driver.install()

PACKAGE = Path(__file__).resolve().parents[1]
DEMO = os.environ.get("JIUJI_DEMO") == "1"
DATA = Path(os.environ.get("JIUJI_DATA", "var")).resolve()
DEBUG = False


def _secret(variable: str, name: str, make: Any) -> str:
    """A secret from the file that a variable names; in demo mode made on first start and kept."""
    given = os.environ.get(variable)
    path = Path(given) if given else DATA / name
    if not given and not DEMO:
        raise ImproperlyConfigured(
            f"请设置 {variable}（密钥文件的路径），或以 JIUJI_DEMO=1 试用。"
            f"Set {variable} (the path of a file with the secret), or try things out with JIUJI_DEMO=1."
        )
    if not path.is_file():
        if given:
            raise ImproperlyConfigured(f"{variable} 指向的文件不存在：{path}。{variable} names no file: {path}.")
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(make())
    return path.read_text(encoding="utf-8").strip()


def _random_key() -> str:
    import secrets

    return secrets.token_urlsafe(50)


def _random_keys() -> str:
    from jiuji.people.keys import new_keys

    return new_keys(os.environ.get("JIUJI_CIPHER", "aes-256-gcm"))


SECRET_KEY = _secret("JIUJI_SECRET_KEY_FILE", "secret-key", _random_key)
PROTECTION_KEYS = _secret("JIUJI_KEYS_FILE", "keys.json", _random_keys)
CHAIN_ALGORITHM = os.environ.get("JIUJI_CHAIN", "sha256")

HTTPS = os.environ.get("JIUJI_HTTPS", "0" if DEMO else "1") == "1"
ALLOWED_HOSTS = [h for h in os.environ.get("JIUJI_HOSTS", "127.0.0.1,localhost" if DEMO else "").split(",") if h]
CSRF_TRUSTED_ORIGINS = [f"https://{h}" for h in ALLOWED_HOSTS] if HTTPS else []

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "axes",
    "csp",
    "django_tasks",
    "django_tasks_db",
    "jiuji.site",
    "jiuji.divisions",
    "jiuji.audit",
    "jiuji.accounts",
    "jiuji.people",
    "jiuji.web",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "jiuji.accounts.middleware.ActorMiddleware",
    "jiuji.accounts.middleware.PermissionMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "jiuji.site.urls"
WSGI_APPLICATION = "jiuji.site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "jiuji.web.shell.shell",
            ],
        },
    }
]

# --- database -----------------------------------------------------------------------------------------

if os.environ.get("DATABASE_URL"):
    DATABASES: dict[str, Any] = {"default": dj_database_url.parse(os.environ["DATABASE_URL"], conn_max_age=600)}
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA / "jiuji.sqlite3",
            "OPTIONS": sqlite_driver.OPTIONS,
            "TEST": {"NAME": os.environ.get("JIUJI_TEST_SQLITE") or None},
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = DATA / "uploads"

# --- people who sign in -------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "web:home"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "jiuji.accounts.adapter.AccountAdapter"
MFA_ADAPTER = "jiuji.accounts.adapter.MfaAdapter"
SOCIALACCOUNT_ADAPTER = "jiuji.accounts.adapter.ProviderAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_RATE_LIMITS: dict[str, str] = {}
SOCIALACCOUNT_ONLY = False
SOCIALACCOUNT_AUTO_SIGNUP = False
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Jiuji 救急"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
USERSESSIONS_TRACK_ACTIVITY = True
if os.environ.get("JIUJI_OIDC_SERVER"):
    SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [
                {
                    "provider_id": "government",
                    "name": os.environ.get("JIUJI_OIDC_NAME", "统一身份认证"),
                    "client_id": os.environ["JIUJI_OIDC_CLIENT"],
                    "secret": Path(os.environ["JIUJI_OIDC_SECRET_FILE"]).read_text(encoding="utf-8").strip(),
                    "settings": {"server_url": os.environ["JIUJI_OIDC_SERVER"]},
                }
            ],
        }
    }

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "jiuji.accounts.views.locked_out"
AXES_USERNAME_FORM_FIELD = "login"
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_IDLE_SECONDS = 15 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-jiuji" if HTTPS else "jiuji"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "jiuji-csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "jiuji.web.errors.csrf_failed"

# --- headers ------------------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if os.environ.get("JIUJI_PROXY") == "1" else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
        "worker-src": [SELF],
    }
}

# --- language and time --------------------------------------------------------------------------------

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "中文"), ("en", "English")]
LOCALE_PATHS = [PACKAGE / "web" / "locale"]
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "Asia/Shanghai"
USE_I18N = USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = DATA / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
FILE_UPLOAD_PERMISSIONS = 0o600

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"no_personal_data": {"()": "jiuji.people.logs.NoPersonalData"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["no_personal_data"]}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
SILENCED_SYSTEM_CHECKS: list[str] = []
