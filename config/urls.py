"""All addresses of the portal."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.urls import include, path, re_path
from django.views import defaults

from assessments.views import single_sign_on
from assessments.views.public import logged_if_it_fails, server_error
from assessments.views.second_step import NewRecoveryCodes, RecoveryCodes, RecoveryCodesFile
from assessments.views.sign_in import (
    NewPassword,
    end_session,
    first_password,
    new_key,
    new_password,
    not_offered,
    our_page,
    second_steps,
    sessions,
    sign_out,
    with_passwords,
)

handler400, handler403, handler404 = map(
    logged_if_it_fails, (defaults.bad_request, defaults.permission_denied, defaults.page_not_found)
)
handler500 = server_error

# The pages of allauth that people who were invited need. The others have no address.
account_pages = [
    path("login/", our_page(single_sign_on.sign_in), name="account_login"),
    path("logout/", our_page(sign_out), name="account_logout"),
    path("inactive/", our_page(account.account_inactive), name="account_inactive"),
    path(
        "password/change/",
        our_page(with_passwords(new_password(account.password_change))),
        name="account_change_password",
    ),
    path(
        "password/set/",
        our_page(with_passwords(first_password(new_password(account.password_set)))),
        name="account_set_password",
    ),
    path("password/reset/", our_page(with_passwords(NewPassword.as_view())), name="account_reset_password"),
    path(
        "password/reset/done/",
        our_page(with_passwords(account.password_reset_done)),
        name="account_reset_password_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        our_page(with_passwords(account.password_reset_from_key)),
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        our_page(with_passwords(account.password_reset_from_key_done)),
        name="account_reset_password_from_key_done",
    ),
    path(
        "reauthenticate/",
        our_page(new_key(account.reauthenticate)),
        name="account_reauthenticate",
    ),
    path("security/", our_page(single_sign_on.SignInSettings.as_view()), name="mfa_index"),
    path("second-step/", our_page(mfa.authenticate), name="mfa_authenticate"),
    path("second-step/again/", our_page(new_key(mfa.reauthenticate)), name="mfa_reauthenticate"),
    path("app/", our_page(second_steps(totp.activate_totp)), name="mfa_activate_totp"),
    path("app/remove/", our_page(second_steps(totp.deactivate_totp)), name="mfa_deactivate_totp"),
    path("codes/", our_page(RecoveryCodes.as_view()), name="mfa_view_recovery_codes"),
    path("codes/download/", our_page(RecoveryCodesFile.as_view()), name="mfa_download_recovery_codes"),
    path("codes/new/", our_page(NewRecoveryCodes.as_view()), name="mfa_generate_recovery_codes"),
    path("passkeys/", our_page(webauthn.list_webauthn), name="mfa_list_webauthn"),
    path("passkeys/add/", our_page(second_steps(webauthn.add_webauthn)), name="mfa_add_webauthn"),
    path(
        "passkeys/<int:pk>/remove/",
        our_page(second_steps(webauthn.remove_webauthn)),
        name="mfa_remove_webauthn",
    ),
    path(
        "passkeys/again/",
        our_page(new_key(webauthn.reauthenticate_webauthn)),
        name="mfa_reauthenticate_webauthn",
    ),
    path("passkeys/sign-in/", our_page(with_passwords(webauthn.login_webauthn)), name="mfa_login_webauthn"),
    path("sessions/", our_page(sessions), name="usersessions_list"),
    path("sessions/<int:pk>/end/", end_session, name="end_session"),
    path("single-sign-on/", single_sign_on.start, name="single_sign_on"),
    path("single-sign-on/again/", single_sign_on.confirm, name="confirm_by_single_sign_on"),
    path("single-sign-on/callback/", single_sign_on.callback, name="single_sign_on_callback"),
    path("single-sign-on/join/", single_sign_on.join, name="join_by_single_sign_on"),
    path("single-sign-on/link/", single_sign_on.link, name="link_single_sign_on"),
    path("single-sign-on/unlink/", single_sign_on.unlink, name="unlink_single_sign_on"),
    # allauth needs an address of this name. Nobody can sign up.
    path("signup/", not_offered, name="account_signup"),
]

urlpatterns = [
    path("", include("assessments.urls")),
    path("account/", include(account_pages)),
]
