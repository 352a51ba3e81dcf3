"""The HTTP side: `granian --interface wsgi config.wsgi:application`."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

if settings.DATABASE_POOL:  # this process serves; one that only tries the application looks after nothing
    from config import watchman  # not before Django is set up

    watchman.start()
