"""What a shell sees of the commands: a status, an answer on one stream and complaints on the other."""

import pytest
from django.core.management import execute_from_command_line

from config.kernel import logs

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("committed_db")]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["import_prices", "nowhere.csv"], "CommandError: nowhere.csv cannot be read: No such file or directory."),
        (["simulate_market", "--assets=0"], "CommandError: Give 1 to 20000 assets"),
        (["rebuild_blocks", "nowhere"], "CommandError: No such asset: nowhere."),
        (["backfill_prices", "nowhere"], "CommandError: coingecko has no listed asset nowhere."),
        (["sync_market", "--limit=0"], "CommandError: --limit must be from 1 to 20000."),
    ],
)
def test_command_that_fails_has_status_1_and_says_why(capsys, arguments, complaint):
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", *arguments])

    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (1, "")
    assert said.err.startswith(complaint)
    assert "Traceback" not in said.err


def test_command_that_succeeds_gives_its_answer_alone(capsys, monkeypatch):
    monkeypatch.setattr(logs, "stream_name", "stderr")  # as manage.py does

    execute_from_command_line(["manage.py", "simulate_market", "--assets=2", "--days=3"])

    assert capsys.readouterr().out == "2 simulated assets with 6 daily bars, seed 1.\n"
