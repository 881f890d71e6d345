from django.urls import path

from . import views

app_name = "people"
urlpatterns = [
    path("", views.people, name="people"),
    path("new/", views.new_person, name="person_new"),
    path("<uuid:uid>/", views.person, name="person"),
    path("<uuid:uid>/change/", views.change_person, name="person_change"),
    path("<uuid:uid>/reveal/<str:field>/", views.reveal, name="person_reveal"),
    path("<uuid:uid>/reveal/<str:field>/<uuid:account>/", views.reveal, name="account_reveal"),
    path("<uuid:uid>/account/", views.add_account, name="person_account"),
    path("<uuid:uid>/disability/", views.add_disability, name="person_disability"),
    path("<uuid:uid>/schooling/", views.add_schooling, name="person_schooling"),
    path("<uuid:uid>/consent/", views.add_consent, name="person_consent"),
    path("<uuid:uid>/consent/<uuid:consent>/revoke/", views.revoke_consent, name="consent_revoke"),
    path("<uuid:uid>/merge/<uuid:other>/", views.merge, name="person_merge"),
    path("merge/<uuid:uid>/undo/", views.separate, name="merge_undo"),
    path("households/", views.households, name="households"),
    path("households/new/", views.new_household, name="household_new"),
    path("households/export/", views.export_households, name="households_export"),
    path("households/<uuid:uid>/", views.household, name="household"),
    path("households/<uuid:uid>/member/", views.add_member, name="household_member"),
    path("households/<uuid:uid>/member/<int:pk>/leave/", views.leave, name="household_leave"),
    path("households/<uuid:uid>/status/", views.add_status, name="household_status"),
]
