from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "jiuji.web"
    verbose_name = "界面"
