"""All addresses of the site. Each needs a row in accounts/permissions.toml."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from jiuji.web import errors

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("jiuji.web.urls")),
    path("accounts/", include("jiuji.accounts.urls")),
    path("people/", include("jiuji.people.urls")),
    path("audit/", include("jiuji.audit.urls")),
    path("divisions/", include("jiuji.divisions.urls")),
    path("sign-in/", account.login, name="account_login"),
    path("sign-out/", account.logout, name="account_logout"),
    path("sign-in/inactive/", account.account_inactive, name="account_inactive"),
    path("sign-in/again/", account.reauthenticate, name="account_reauthenticate"),
    path("password/", account.password_change, name="account_change_password"),
    path("two-factor/check/", mfa.authenticate, name="mfa_authenticate"),
    path("two-factor/again/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("two-factor/", mfa.index, name="mfa_index"),
    path("two-factor/totp/", include("allauth.mfa.totp.urls")),
    path("two-factor/codes/", include("allauth.mfa.recovery_codes.urls")),
    path("two-factor/passkey/", include("allauth.mfa.webauthn.urls")),
    path("sessions/", include("allauth.usersessions.urls")),
    path("provider/", include("allauth.socialaccount.urls")),
    path("provider/oidc/", include("allauth.socialaccount.providers.openid_connect.urls")),
]
if settings.DEMO:
    urlpatterns.append(path("design/", include("jiuji.web.design_urls")))

handler400 = errors.bad_request
handler403 = errors.not_found
handler404 = errors.not_found
handler500 = errors.server_error
