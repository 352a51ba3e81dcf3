"""What makes a sign-up worth a second look before it is approved; nobody is refused for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import User
from accounts.roles import Role

SAME_ADDRESS = 3  # sign-ups from one address in a day, with this one
STAFF_WORDS = ("admin", "root", "support", "moderator", "operator", "security", "system", "official")
# Mailboxes that anybody makes in a second and nobody keeps.
DISPOSABLE = frozenset(
    {"mailinator.com", "guerrillamail.com", "10minutemail.com", "yopmail.com", "temp-mail.org", "trashmail.com"}
    | {"sharklasers.com", "getnada.com", "dispostable.com", "maildrop.cc"}
)
_LOOKS_LIKE = str.maketrans("013457", "oleast", "_")


@dataclass(frozen=True, slots=True)
class Flag:
    """A rule and what it says to whoever decides."""

    sentence: str
    applies: Callable[[User, datetime], bool]


def of(candidate: User, *, at: datetime) -> list[str]:
    """The names of the flags that a sign-up raises."""
    return [name for name, flag in FLAGS.items() if flag.applies(candidate, at)]


def _shares_address(candidate: User, at: datetime) -> bool:
    if candidate.signup_address is None:
        return False
    recent = User.objects.filter(signup_address=candidate.signup_address, created_at__gt=at - timedelta(days=1))
    return recent.count() + 1 >= SAME_ADDRESS


def _resembles_staff(candidate: User, at: datetime) -> bool:
    name = _skeleton(candidate.username)
    if any(word in name for word in STAFF_WORDS):
        return True
    above_viewer = [role for role in Role if role.rank >= Role.MODERATOR.rank]
    staff = User.objects.filter(role__in=above_viewer).values_list("username", flat=True)
    return any(_skeleton(username) == name for username in staff)


def _skeleton(username: str) -> str:
    """What a name looks like at a glance: digits that stand for letters read as letters, underscores gone."""
    return username.lower().translate(_LOOKS_LIKE)


def _is_disposable(candidate: User, at: datetime) -> bool:
    return candidate.email.rpartition("@")[2].lower() in DISPOSABLE


FLAGS: Mapping[str, Flag] = {
    "shared_address": Flag("Several accounts were asked for from this address today.", _shares_address),
    "resembles_staff": Flag("The name resembles one of the staff.", _resembles_staff),
    "disposable_mailbox": Flag("The mailbox is a disposable one.", _is_disposable),
}
