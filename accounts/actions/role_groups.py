"""Django's groups and their permissions, brought in line with the table of roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from accounts.models import User
from accounts.roles import ADMIN_SITE_PERMISSIONS, Role


class UnknownPermission(Exception):
    """The table of roles speaks of a model, or of a deed on it, that does not exist."""


@transaction.atomic
def sync() -> list[str]:
    """Make one group per role, with the permissions of the role and of those below it, and its people as members.

    Returns what changed, in words; an empty list when all was well. Other groups are left alone.
    """
    changes = []
    codes = _codes()
    allowed: set[str] = set()
    for role in Role:
        group, is_new = Group.objects.get_or_create(name=role.value)
        if is_new:
            changes.append(f"{role}: group created")
        allowed |= set(_permissions(ADMIN_SITE_PERMISSIONS.get(role, {}), codes))
        keys = set(group.permissions.values_list("pk", flat=True))
        has = {code for code, pk in codes.items() if pk in keys}
        group.permissions.set(codes[code] for code in allowed)
        changes += [f"{role}: + {code}" for code in sorted(allowed - has)]
        changes += [f"{role}: - {code}" for code in sorted(has - allowed)]
        changes += _move_people(role, group)
    return changes


def _codes() -> dict[str, int]:
    """Every permission as app.model.deed, with its key."""
    found = Permission.objects.values_list("content_type__app_label", "content_type__model", "codename", "pk")
    return {f"{app}.{model}.{codename.removesuffix('_' + model)}": pk for app, model, codename, pk in found}


def _permissions(table: Mapping[str, Set[str]], codes: Mapping[str, int]) -> Iterator[str]:
    for target, deeds in table.items():
        for deed in deeds:
            matching = [code for code in codes if _matches(code, target, deed)]
            if not matching:
                raise UnknownPermission(f'accounts.roles: "{deed}" on "{target}" matches no permission.')
            yield from matching


def _matches(code: str, target: str, deed: str) -> bool:
    app, model, code_deed = code.split(".")
    target_app, target_model = target.split(".")
    return app == target_app and target_model in {"*", model} and deed in {"*", code_deed}


def _move_people(role: Role, group: Group) -> list[str]:
    belong = set(User.objects.filter(role=role).values_list("pk", flat=True))
    members = set(User.objects.filter(groups=group).values_list("pk", flat=True))
    group.user_set.add(*(belong - members))
    group.user_set.remove(*(members - belong))
    moves = {"joined": belong - members, "left": members - belong}
    return [f"{role}: {len(people)} people {move}" for move, people in moves.items() if people]
