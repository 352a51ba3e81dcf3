"""Who uses the admin site."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts.models import User


def signed_in(request: HttpRequest) -> User:
    """The person who asks; the site's own checks have let nobody else come this far."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
