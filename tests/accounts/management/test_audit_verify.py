from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.actions import audit
from accounts.queries import audit_chain
from tests.accounts.factories import NOON
from tests.support.trail import tamper

pytestmark = pytest.mark.integration


@pytest.fixture
def head(committed_db):
    """Of a chain of three."""
    for n in range(3):
        audit.record(f"tests.deed.{n}", actor=None, subject=None, at=NOON)
    return audit_chain.head()


def run(*arguments):
    out = StringIO()
    call_command("audit_verify", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_intact_chain_is_said_to_be_so_with_its_length_and_head(head):
    assert run() == ["length  3 links, 3 of them checked", f"head    {head.hash}", "intact"]


def test_empty_chain_is_intact(committed_db):
    assert run() == ["length  0 links, 0 of them checked", f"head    {'0' * 64}", "intact"]


def test_part_may_be_checked_and_a_known_head_asked_for(head):
    assert run("--from", "3", "--expect-head", head.hash) == [
        "length  3 links, 1 of them checked",
        f"head    {head.hash}",
        "intact",
    ]


def test_broken_chain_is_a_failure_that_names_the_place(head, superuser_connection):
    ((entry_id,),) = superuser_connection.execute("SELECT entry_id FROM accounts_auditlink WHERE position = 2")
    tamper(superuser_connection, "UPDATE accounts_auditentry SET reason = 'x' WHERE verb = 'tests.deed.1'")
    ((hash_,),) = superuser_connection.execute("SELECT hash FROM accounts_auditlink WHERE position = 1")

    with pytest.raises(CommandError) as refused:
        run()

    assert refused.value.returncode == 1
    assert str(refused.value).splitlines() == [
        f"BROKEN: the entry or its link at position 2 is not as it was written. Entry {entry_id}.",
        f"Right up to position 1, {hash_}; 1 links checked.",
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--from", "0"], "a position is a whole number from 1"),
        (["--from", "1e3"], "a position is a whole number from 1"),
        (["--from", "9" * 30], "a position is a whole number from 1"),
        (["--from", "5"], "no link at position 4 to go on from; the newest is at position 3"),
        (["--expect-head", "abc"], "a hash has 64 hexadecimal digits"),
    ],
)
def test_question_that_makes_no_sense_is_refused(head, arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        run(*arguments)
