"""The entry point for a web server: `gunicorn config.wsgi`, and `runserver` too."""

import os

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler

from config.handler import Handler


def portal() -> WSGIHandler:
    """Return the application. Raises ImproperlyConfigured if there is no key to sign with.

    Commands that sign nothing, such as `advise`, need no key, so the settings do not ask for one.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if not settings.SECRET_KEY_IS_SET:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set, so the portal cannot encrypt sessions and will not start. "
            "Set it in the environment to a long random text that only this portal knows, the "
            "same on every host. To try the portal on your own machine, set DEBUG=true instead."
        )
    django.setup(set_prefix=False)
    return Handler()


application = portal()
