"""Who asks, for views that are open to people with a token only."""

from uuid import UUID

from rest_framework.request import Request

from accounts.credentials import Credential
from accounts.models import User
from config.kernel.errors import Unauthenticated


def user_of(request: Request) -> User:
    """The caller; the view's own admission has let nobody else come this far."""
    if not isinstance(request.user, User):
        raise Unauthenticated
    return request.user


def session_of(request: Request) -> UUID | None:
    """The session that the caller's token belongs to; None for a key."""
    return request.auth.session_id if isinstance(request.auth, Credential) else None
