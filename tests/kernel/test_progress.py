import io
import sys

import pytest

from config.kernel.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_person_at_a_terminal_sees_how_far_it_is(monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())

    with progress_bar("Storing", total=4, unit="rows") as advance:
        advance(1)
        advance(3)

    last = terminal.getvalue().rstrip().rpartition("\r")[2]
    assert last.startswith("Storing: 100%")
    assert "4/4" in last


def test_bar_without_a_total_counts(monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())

    with progress_bar("Simulating", total=None, unit="bars") as advance:
        advance(5)

    assert "Simulating: 5 bars" in terminal.getvalue()


@pytest.mark.parametrize("total", [4, None])
def test_logs_and_pipes_stay_silent(capsys, total):
    with progress_bar("Storing", total=total, unit="rows") as advance:
        advance(4)

    assert capsys.readouterr() == ("", "")
