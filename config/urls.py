"""Every address of the portal, by app."""

from allauth.account import views as account
from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path, re_path

from assessments.views.sign_in import not_offered, our_page

# The admin site signs people in on the portal's own page, with its limits on guessing.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

# Of allauth's pages, those that someone who was invited needs.
account_pages = [
    path("login/", our_page(account.login), name="account_login"),
    path("logout/", our_page(account.logout), name="account_logout"),
    path("inactive/", our_page(account.account_inactive), name="account_inactive"),
    path("password/change/", our_page(account.password_change), name="account_change_password"),
    path("password/set/", our_page(account.password_set), name="account_set_password"),
    path("password/reset/", our_page(account.password_reset), name="account_reset_password"),
    path("password/reset/done/", our_page(account.password_reset_done), name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        our_page(account.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        our_page(account.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
    # allauth wants an address for it; nobody signs up by themselves.
    path("signup/", not_offered, name="account_signup"),
]

urlpatterns = [
    path("", include("assessments.urls")),
    path("account/", include(account_pages)),
    path("admin/", admin.site.urls),
]
