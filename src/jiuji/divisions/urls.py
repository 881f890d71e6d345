from django.urls import path

from . import views

app_name = "divisions"
urlpatterns = [path("", views.divisions, name="list"), path("<str:code>/", views.division, name="division")]
