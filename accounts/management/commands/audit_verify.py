import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.queries import audit_chain
from config.kernel.progress import progress_bar


def position(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,17}", text):
        raise ArgumentTypeError("a position is a whole number from 1")
    return int(text)


def hash_(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ArgumentTypeError("a hash has 64 hexadecimal digits")
    return text


class Command(BaseCommand):
    help = "Check that the audit trail is as it was written; fails at the first place that is not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from",
            dest="start",
            type=position,
            default=1,
            metavar="POSITION",
            help="begin there and take the link before it at its word",
        )
        parser.add_argument(
            "--expect-head",
            type=hash_,
            metavar="HASH",
            help="a head that was logged earlier: it must still be in the chain, or the trail was cut or written anew",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        start, expected_head = options["start"], options["expect_head"]
        links = max(audit_chain.head().position - start + 1, 0)
        try:
            with progress_bar("Verifying", total=links, unit="links") as done:
                verdict = audit_chain.verify(start=start, expected_head=expected_head, on_progress=done)
        except audit_chain.StartNotInChain as error:
            raise CommandError(str(error)) from error
        head = verdict.head
        if not verdict.is_intact:
            entry = "" if verdict.entry_id is None else f" Entry {verdict.entry_id}."
            raise CommandError(
                f"BROKEN: {verdict.broken}.{entry}\n"
                f"Right up to position {head.position}, {head.hash}; {verdict.checked} links checked."
            )
        self.stdout.write(f"length  {head.position} links, {verdict.checked} of them checked")
        self.stdout.write(f"head    {head.hash}")
        self.stdout.write("intact")
