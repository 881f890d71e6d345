from django.urls import path
from django.views.i18n import set_language

from . import views

app_name = "web"
urlpatterns = [
    path("", views.home, name="home"),
    path("search/", views.search, name="search"),
    path("language/", set_language, name="language"),
    path("healthz/", views.health, name="health"),
    path("rulebook/", views.rulebook, name="rulebook"),
    path("offline/", views.offline, name="offline"),
]
