from django.urls import path

from . import views

app_name = "accounts"
urlpatterns = [
    path("", views.accounts, name="list"),
    path("new/", views.create, name="new"),
    path("<uuid:uid>/", views.account, name="account"),
    path("<uuid:uid>/role/", views.give_role, name="give_role"),
    path("<uuid:uid>/role/<int:pk>/end/", views.end_role, name="end_role"),
    path("<uuid:uid>/stop/", views.stop, name="stop"),
    path("roles/", views.roles, name="roles"),
    path("me/", views.me, name="me"),
    path("me/sign-out-everywhere/", views.sign_out_everywhere, name="sign_out_everywhere"),
    path("second-factor/", views.second_factor, name="second_factor"),
    path("delegations/", views.delegations, name="delegations"),
    path("delegations/new/", views.sign_delegation, name="delegation_new"),
    path("delegations/<uuid:uid>/end/", views.end_delegation, name="delegation_end"),
]
