"""The HTTP side: `granian --interface wsgi config.wsgi:application`."""

import os
from functools import lru_cache

import django
from django.conf import settings
from django.core.cache import close_caches
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import reset_queries
from django.http import HttpRequest
from django.urls import ResolverMatch, get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class Application(WSGIHandler):
    """Django's own, which remembers where the paths lead that it was asked for last."""

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        request.resolver_match = _resolved(request.path_info)
        return request.resolver_match


@lru_cache(maxsize=4_096)
def _resolved(path: str) -> ResolverMatch:
    return get_resolver().resolve(path)


django.setup(set_prefix=False)
# Both look at each cache or database of a thread around every request and have nothing to do: our caches keep their
# connections, and queries are only collected where DEBUG is on.
request_finished.disconnect(close_caches)
if not settings.DEBUG:
    request_started.disconnect(reset_queries)
application = Application()

if settings.DATABASE_POOL:  # this process serves; one that only tries the application looks after nothing
    from config import watchman  # not before Django is set up

    watchman.start()
