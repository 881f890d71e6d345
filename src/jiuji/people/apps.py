from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "jiuji.people"
    verbose_name = "人员"
