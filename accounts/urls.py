"""Addresses of people's pages: signing in, one's own account, and the people of the server."""

from __future__ import annotations

from django.urls import path

from accounts.views import account, entry, users

app_name = "accounts"

urlpatterns = [
    path("sign-in/", entry.sign_in, name="sign-in"),
    path("sign-out/", entry.sign_out, name="sign-out"),
    path("link/<str:token>/", entry.link, name="link"),
    path("account/", account.account, name="account"),
    path("account/password/", account.change_password, name="change-password"),
    path("users/", users.user_list, name="user-list"),
    path("users/new/", users.user_create, name="user-create"),
    path("users/<int:user_id>/", users.user_detail, name="user-detail"),
    path("users/<int:user_id>/link/", users.user_link, name="user-link"),
    path("users/<int:user_id>/disable/", users.user_disable, name="user-disable"),
    path("users/<int:user_id>/enable/", users.user_enable, name="user-enable"),
]
