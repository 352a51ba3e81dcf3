from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.providers.budget import Budget, Quota
from markets.providers.store import MemoryStore


def test_a_full_bucket_gives_its_burst_and_then_says_how_long_to_wait(clock) -> None:
    budget = Budget("p", [Quota(30, 60, burst=10)], MemoryStore(), clock=clock)

    assert [budget.take() for _ in range(10)] == [0.0] * 10
    assert budget.take() == pytest.approx(3.0)  # 20 more in 60 s
    assert budget.remaining() == 0


def test_waiting_as_told_is_enough(clock) -> None:
    budget = Budget("p", [Quota(30, 60)], MemoryStore(), clock=clock)
    for _ in range(10):
        budget.take()

    clock.sleep(budget.take())

    assert budget.take() == 0.0
    assert budget.take() > 0


def test_threads_together_get_exactly_the_burst(clock) -> None:
    budget = Budget("p", [Quota(100, 60, burst=20)], MemoryStore(), clock=clock)

    with ThreadPoolExecutor(32) as pool:
        waits = list(pool.map(lambda _: budget.take(), range(300)))

    assert waits.count(0.0) == 20


@given(st.lists(st.floats(0, 30), min_size=1, max_size=200))
def test_no_period_ever_sees_more_calls_than_the_quota(pauses: list[float]) -> None:
    now = [1_000.0]
    budget = Budget("p", [Quota(10, 60)], MemoryStore(), clock=lambda: now[0])
    calls: list[float] = []
    for pause in pauses:
        now[0] += pause
        while budget.take() == 0.0:
            calls.append(now[0])

    assert all(sum(start <= call < start + 60 for call in calls) <= 10 for start in calls)


def test_the_scarcest_quota_decides_and_a_refusal_costs_nothing(clock) -> None:
    budget = Budget("p", [Quota(100, 1), Quota(4, 1000, burst=2)], MemoryStore(), clock=clock)

    assert [budget.take(), budget.take()] == [0.0, 0.0]
    assert budget.take() == pytest.approx(500.0)
    assert budget.take() == pytest.approx(500.0)


def test_a_pause_stops_everyone_who_shares_the_state(clock) -> None:
    store = MemoryStore()
    mine, theirs = (Budget("p", [Quota(30, 60)], store, clock=clock) for _ in range(2))

    mine.pause(45.0)

    assert theirs.take() == 45.0
    assert theirs.remaining() == 0
    clock.sleep(45.0)
    assert theirs.take() == 0.0


def test_a_shorter_pause_does_not_cut_a_longer_one(clock) -> None:
    budget = Budget("p", [Quota(30, 60)], MemoryStore(), clock=clock)
    budget.pause(45.0)
    budget.pause(5.0)

    assert budget.take() == 45.0


def test_a_clock_that_goes_back_refills_nothing(clock) -> None:
    budget = Budget("p", [Quota(30, 60, burst=2)], MemoryStore(), clock=clock)
    budget.take(), budget.take()

    clock.seconds -= 3600

    assert budget.take() > 0


def test_new_quotas_start_with_full_buckets(clock) -> None:
    store = MemoryStore()
    Budget("p", [Quota(30, 60, burst=1)], store, clock=clock).take()

    assert Budget("p", [Quota(30, 60, burst=5), Quota(300, 600)], store, clock=clock).remaining() == 5


@pytest.mark.parametrize(("calls", "seconds", "burst"), [(1, 60, 0), (10, 0, 0), (10, 60, 10), (10, 60, -1)])
def test_a_quota_that_could_not_be_kept_is_refused(calls: int, seconds: float, burst: int) -> None:
    with pytest.raises(ValueError, match="a quota needs"):
        Quota(calls, seconds, burst)


class _NeverMine(MemoryStore):
    def compare_and_set(self, key: str, seen: bytes | None, new: bytes) -> bool:
        return False


def test_losing_every_race_is_a_refusal_not_a_call(clock) -> None:
    budget = Budget("p", [Quota(30, 60)], _NeverMine(), clock=clock)

    budget.pause(1.0)

    assert budget.take() == 0.05
