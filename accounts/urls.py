"""Addresses of this app: signing in, one's own account, people, administrators and rights, options, audit trail."""

from __future__ import annotations

from django.urls import path

from accounts.views import (
    account,
    acting,
    administrators,
    app_passwords,
    audit,
    entry,
    factors,
    failed_sign_ins,
    grants,
    options,
    own_identities,
    passwords,
    privileges,
    provider_proofs,
    providers,
    proving,
    roles,
    second_step,
    sessions,
    sources,
    strength,
    tokens,
    user_factors,
    users,
)

app_name = "accounts"

_own = [
    path("sign-in/", entry.sign_in, name="sign-in"),
    path("sign-in/second-step/", second_step.second_step_page, name="second-step"),
    path("sign-in/passkey/question/", second_step.passkey_question, name="passkey-question"),
    path("sign-in/passkey/", second_step.passkey_sign_in, name="passkey-sign-in"),
    path("sign-in/organisation/", providers.sign_in_organisation, name="sign-in-organisation"),
    path("sign-in/with/<int:source_id>/", providers.provider_start, name="provider-start"),
    path("sign-in/with/<int:source_id>/back/", providers.provider_back, name="provider-back"),
    path("sign-out/", entry.sign_out, name="sign-out"),
    path("link/<str:token>/", entry.link, name="link"),
    path("account/", account.account, name="account"),
    path("account/password/", account.change_password, name="change-password"),
    path("password-strength/", strength.password_strength, name="password-strength"),
    path("account/single-sign-on/", own_identities.own_identities, name="own-identities"),
    path("account/single-sign-on/link/", own_identities.identity_link, name="identity-link"),
    path("account/single-sign-on/<int:identity_id>/unlink/", own_identities.identity_unlink, name="identity-unlink"),
    path("account/prove/", proving.prove, name="prove"),
    path("account/prove/with-provider/", provider_proofs.provider_prove, name="provider-prove"),
    path("account/factors/", factors.own_factors, name="own-factors"),
    path("account/factors/app/begin/", factors.app_begin, name="app-begin"),
    path("account/factors/app/", factors.app_set_up, name="app-set-up"),
    path("account/factors/app/remove/", factors.app_remove, name="app-remove"),
    path("account/factors/passkeys/new/", factors.passkey_add, name="passkey-add"),
    path("account/factors/passkeys/<int:passkey_id>/", factors.passkey_rename, name="passkey-rename"),
    path("account/factors/passkeys/<int:passkey_id>/remove/", factors.passkey_remove, name="passkey-remove"),
    path("account/factors/codes/", factors.recovery_codes_renew, name="recovery-codes"),
    path("account/factors/devices/revoke/", factors.trusted_devices_revoke, name="trusted-devices-revoke"),
    path(
        "account/factors/devices/<int:device_id>/revoke/", factors.trusted_device_revoke, name="trusted-device-revoke"
    ),
    path("account/tokens/", tokens.own_tokens, name="own-tokens"),
    path("account/tokens/new/", tokens.token_create, name="token-create"),
    path("account/tokens/<int:token_id>/revoke/", tokens.token_revoke, name="token-revoke"),
    path("account/sessions/", sessions.own_sessions, name="own-sessions"),
    path("account/sessions/end/", sessions.own_sessions_end, name="own-sessions-end"),
    path("sessions/<int:session_id>/end/", sessions.session_end, name="session-end"),
    path("account/app-passwords/", app_passwords.own_app_passwords, name="own-app-passwords"),
    path("account/app-passwords/new/", app_passwords.app_password_create, name="app-password-create"),
    path("account/app-passwords/delete/", app_passwords.app_passwords_delete, name="app-passwords-delete"),
    path("account/app-passwords/<int:row_id>/delete/", app_passwords.app_password_delete, name="app-password-delete"),
    path("account/history/", audit.own_history, name="own-history"),
    path("account/rights/", administrators.own_rights, name="own-rights"),
    path("account/sign-in-link/", acting.own_sign_in_link, name="own-sign-in-link"),
    path("act-as/end/", acting.act_as_end, name="act-as-end"),
]
_people = [
    path("users/", users.user_list, name="user-list"),
    path("users/new/", users.user_create, name="user-create"),
    path("users/<int:user_id>/", users.user_detail, name="user-detail"),
    path("users/<int:user_id>/link/", users.user_link, name="user-link"),
    path("users/<int:user_id>/password/want/", passwords.user_password_want, name="user-password-want"),
    path("users/<int:user_id>/password/let/", passwords.user_password_let, name="user-password-let"),
    path("users/<int:user_id>/disable/", users.user_disable, name="user-disable"),
    path("users/<int:user_id>/enable/", users.user_enable, name="user-enable"),
    path("users/<int:user_id>/act-as/", acting.act_as, name="act-as"),
    path("users/<int:user_id>/sign-in-link/", acting.user_sign_in_link, name="user-sign-in-link"),
    path("users/<int:user_id>/privileges/", privileges.user_privileges, name="user-privileges"),
    path("users/<int:user_id>/factors/", user_factors.user_factors, name="user-factors"),
    path(
        "users/<int:user_id>/factors/initialise/",
        user_factors.user_factors_initialise,
        name="user-factors-initialise",
    ),
    path("users/<int:user_id>/factors/remove/", user_factors.user_factors_remove, name="user-factors-remove"),
    path("users/<int:user_id>/factors/devices/", user_factors.user_devices_revoke, name="user-devices-revoke"),
    path("users/<int:user_id>/tokens/", tokens.user_tokens, name="user-tokens"),
    path("users/<int:user_id>/tokens/<int:token_id>/revoke/", tokens.user_token_revoke, name="user-token-revoke"),
]
_sessions = [
    path("server/sessions/", sessions.session_list, name="session-list"),
    path("server/sessions/bulk/", sessions.session_bulk, name="session-bulk"),
    path("users/<int:user_id>/app-passwords/", app_passwords.user_app_passwords, name="user-app-passwords"),
    path(
        "users/<int:user_id>/app-passwords/delete/",
        app_passwords.user_app_passwords_delete,
        name="user-app-passwords-delete",
    ),
    path(
        "users/<int:user_id>/app-passwords/<int:row_id>/delete/",
        app_passwords.user_app_password_delete,
        name="user-app-password-delete",
    ),
    path("server/sign-ins/", failed_sign_ins.failed_sign_in_list, name="failed-sign-in-list"),
    path("server/sign-ins/blocks/", failed_sign_ins.sign_in_blocks, name="sign-in-blocks"),
    path("server/sign-ins/blocks/lift/", failed_sign_ins.sign_in_unblock, name="sign-in-unblock"),
    path("server/sign-ins/waits/<int:wait_id>/lift/", failed_sign_ins.sign_in_wait_lift, name="sign-in-wait-lift"),
    path("users/<int:user_id>/sessions/", sessions.user_sessions, name="user-sessions"),
    path("users/<int:user_id>/sessions/end/", sessions.user_sessions_end, name="user-sessions-end"),
]
_administrators = [
    path("server/administrators/", administrators.administrator_list, name="administrator-list"),
    path("server/administrators/new/", administrators.administrator_create, name="administrator-create"),
    path("server/administrators/<int:user_id>/", administrators.administrator_detail, name="administrator-detail"),
    path("server/administrators/<int:user_id>/edit/", administrators.administrator_edit, name="administrator-edit"),
    path(
        "server/administrators/<int:user_id>/delete/", administrators.administrator_delete, name="administrator-delete"
    ),
    path(
        "server/administrators/<int:user_id>/system/", administrators.administrator_system, name="administrator-system"
    ),
    path(
        "server/administrators/<int:user_id>/rights/",
        administrators.administrator_explain,
        name="administrator-explain",
    ),
    path("server/roles/", roles.role_list, name="role-list"),
    path("server/roles/new/", roles.role_new, name="role-new"),
    path("server/roles/new/<str:level>/<int:object_id>/", roles.role_create, name="role-create"),
    path("server/roles/<int:role_id>/", roles.role_detail, name="role-detail"),
    path("server/roles/<int:role_id>/edit/", roles.role_edit, name="role-edit"),
    path("server/roles/<int:role_id>/delete/", roles.role_delete, name="role-delete"),
]
_sources = [
    path("server/sources/", sources.source_list, name="source-list"),
    path("server/sources/new/", sources.source_new, name="source-new"),
    path("server/sources/new/<str:level>/<int:object_id>/<str:kind>/", sources.source_create, name="source-create"),
    path("server/sources/<int:source_id>/", sources.source_detail, name="source-detail"),
    path("server/sources/<int:source_id>/edit/", sources.source_edit, name="source-edit"),
    path("server/sources/<int:source_id>/try/", sources.source_try, name="source-try"),
    path("server/sources/<int:source_id>/groups/", sources.source_groups, name="source-groups"),
    path(
        "server/sources/<int:source_id>/groups/<int:row_id>/remove/",
        sources.source_group_remove,
        name="source-group-remove",
    ),
    path("server/sources/<int:source_id>/release/", sources.source_release, name="source-release"),
    path("server/sources/<int:source_id>/delete/", sources.source_delete, name="source-delete"),
    path("sign-in-by/<str:level>/<int:object_id>/", sources.source_choice, name="source-choice"),
]
_scopes = [
    path("rights/<str:level>/<int:object_id>/", grants.scope_rights, name="scope-rights"),
    path("rights/<str:level>/<int:object_id>/add/", grants.grant_add, name="grant-add"),
    path("rights/grants/<int:grant_id>/edit/", grants.grant_edit, name="grant-edit"),
    path("rights/grants/<int:grant_id>/remove/", grants.grant_remove, name="grant-remove"),
    path("options/", options.server_options, name="server-options"),
    path("passwords/<str:level>/<int:object_id>/", passwords.scope_passwords, name="scope-passwords"),
    path("options/<str:level>/<int:object_id>/", options.scope_options, name="scope-options"),
    path("options/<str:level>/<int:object_id>/<str:name>/", options.option_edit, name="option-edit"),
    path("options/<str:level>/<int:object_id>/<str:name>/reset/", options.option_reset, name="option-reset"),
    path("audit/", audit.event_list, name="event-list"),
    path("audit/<int:event_id>/", audit.event_detail, name="event-detail"),
    path("history/<str:level>/<int:object_id>/", audit.scope_history, name="scope-history"),
]

urlpatterns = [*_own, *_people, *_sessions, *_administrators, *_sources, *_scopes]
