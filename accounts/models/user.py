from __future__ import annotations

from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, Group, PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.crypto import salted_hmac

from accounts.roles import Role

USERNAME_PATTERN = r"\A[A-Za-z0-9_]+\Z"


def canonical_email(email: str) -> str:
    """The form in which two spellings of one address are equal."""
    return email.strip().lower()


class UserQuerySet(models.QuerySet["User"]):
    def called(self, login: str) -> Self:
        """The person whose user name, or whose e-mail address when it contains an @, is `login`, in any case."""
        if "@" in login:
            return self.filter(email_canonical=canonical_email(login))
        return self.alias(folded_username=Lower("username")).filter(folded_username=login.strip().lower())

    def pending(self) -> Self:
        return self.filter(status=User.Status.PENDING)

    def active(self) -> Self:
        return self.filter(status=User.Status.ACTIVE)

    def people(self) -> Self:
        return self.filter(kind=User.Kind.PERSON)

    def services(self) -> Self:
        return self.filter(kind=User.Kind.SERVICE)


class UserManager(BaseUserManager["User"]):
    """Creates people with hashed passwords, and finds them by what they type at the door."""

    def create_user(self, username: str, email: str, password: str | None = None, **fields: Any) -> User:
        """A stored person; without a password nobody can log in as them. Raises `ValidationError`."""
        user = self.model(username=username.strip(), email=email.strip(), **fields)
        user.email_canonical = canonical_email(email)
        user.set_password(password)
        user.full_clean()
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, email: str, password: str | None = None, **fields: Any) -> User:
        """An active administrator."""
        return self.create_user(
            username, email, password, **{"role": Role.ADMIN, "status": User.Status.ACTIVE, **fields}
        )

    def get_by_natural_key(self, username: str | None) -> User:
        return User.objects.called(username or "").get()


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody with an account: a person, or a service that only has API keys.

    The role says what they may do, the status whether they may do anything.
    """

    class Kind(models.TextChoices):
        PERSON = "person"
        SERVICE = "service"

    class Status(models.TextChoices):
        PENDING = "pending"
        ACTIVE = "active"
        DISABLED = "disabled"

    username = models.CharField(
        max_length=64,
        unique=True,
        validators=[RegexValidator(USERNAME_PATTERN, "Use letters, digits and underscores only.")],
        help_text="Letters, digits and underscores.",
    )
    email = models.EmailField()
    email_canonical = models.EmailField(editable=False, unique=True, help_text="The address in lower case.")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.PERSON, editable=False)
    signup_address = models.GenericIPAddressField(null=True, blank=True, editable=False)
    signup_flags = models.JSONField(
        default=list, blank=True, editable=False, help_text="Why the sign-up deserves a second look; see signup_flags."
    )
    token_version = models.PositiveIntegerField(
        default=0, editable=False, help_text="Tokens that carry another number are refused."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    objects = UserManager.from_queryset(UserQuerySet)()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="user_username_unique_in_any_case",
                violation_error_message="This user name is taken.",
            ),
            models.CheckConstraint(condition=models.Q(username__regex=USERNAME_PATTERN), name="user_username_is_plain"),
            models.CheckConstraint(
                condition=~models.Q(email_canonical="") & ~models.Q(email_canonical__regex="[A-Z]"),
                name="user_email_canonical_is_lower_case",
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="user_role_is_known"),
            models.CheckConstraint(
                condition=models.Q(status__in=["pending", "active", "disabled"]), name="user_status_is_known"
            ),
            models.CheckConstraint(condition=models.Q(kind__in=["person", "service"]), name="user_kind_is_known"),
        ]

    def __str__(self) -> str:
        return self.username

    @property
    def role_rank(self) -> int:
        return Role(self.role).rank

    # The two attributes below are columns in Django's base classes. Here they follow from the status and the role, so
    # that they cannot disagree with them, and are never assigned.
    @property
    def is_active(self) -> bool:  # type: ignore[override]
        return self.status == self.Status.ACTIVE

    @property
    def is_superuser(self) -> bool:  # type: ignore[override]
        return self.role == Role.ADMIN

    @property
    def is_staff(self) -> bool:
        """Whether the admin site opens; what is seen there follows the permissions of the role's group."""
        return Role(self.role).enters_admin_site

    def get_session_auth_hash(self) -> str:
        """Ends sessions of the admin site with everything that withdraws tokens, not only with a new password."""
        return salted_hmac("accounts.User.session", f"{self.token_version}:{self.password}").hexdigest()

    def clean(self) -> None:
        super().clean()
        self.username = self.username.strip()
        self.email_canonical = canonical_email(self.email)

    def save(self, *args: Any, update_fields: Any = None, **kwargs: Any) -> None:
        """Store the person and mirror the role to the group of its name, which carries the admin site's permissions."""
        self.email_canonical = canonical_email(self.email)
        super().save(*args, update_fields=update_fields, **kwargs)
        if update_fields is None or "role" in update_fields:
            self.groups.set(Group.objects.filter(name=self.role))
