from markets.providers.breaker import Breaker
from markets.providers.store import MemoryStore


def _broken(clock, store=None) -> Breaker:
    breaker = Breaker("p", store or MemoryStore(), threshold=3, cooldown=60, clock=clock)
    for _ in range(3):
        breaker.failed()
    return breaker


def test_it_stays_closed_below_the_threshold_and_a_success_forgives(clock) -> None:
    breaker = Breaker("p", MemoryStore(), threshold=3, cooldown=60, clock=clock)
    breaker.failed()
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    breaker.failed()

    assert (breaker.state, breaker.admit(), breaker.remaining()) == ("closed", 0.0, 0.0)


def test_the_last_tolerated_failure_opens_it_for_the_cooldown(clock) -> None:
    breaker = _broken(clock)
    clock.sleep(20)

    assert (breaker.state, breaker.admit(), breaker.remaining()) == ("open", 40.0, 40.0)


def test_half_open_admits_a_single_probe_whose_success_closes(clock) -> None:
    breaker = _broken(clock)
    clock.sleep(60)

    assert breaker.state == "half_open"
    assert [breaker.admit(), breaker.admit()] == [0.0, 60.0]

    breaker.succeeded()
    assert (breaker.state, breaker.admit()) == ("closed", 0.0)


def test_a_failed_probe_opens_it_again(clock) -> None:
    breaker = _broken(clock)
    clock.sleep(60)
    breaker.admit()
    clock.sleep(5)

    breaker.failed()

    assert (breaker.state, breaker.remaining()) == ("open", 60.0)


def test_a_probe_that_never_reports_gives_way_to_another(clock) -> None:
    breaker = _broken(clock)
    clock.sleep(60)
    breaker.admit()
    clock.sleep(60)

    assert breaker.admit() == 0.0


def test_processes_that_share_a_store_share_the_circuit(clock) -> None:
    store = MemoryStore()
    _broken(clock, store)

    assert Breaker("p", store, clock=clock).state == "open"
    assert Breaker("other", store, clock=clock).state == "closed"


def test_losing_every_race_for_the_probe_is_a_refusal(clock) -> None:
    store = MemoryStore()
    breaker = _broken(clock, store)
    clock.sleep(60)
    store.compare_and_set = lambda *_: False  # type: ignore[method-assign]

    breaker.failed()

    assert breaker.admit() == 60.0
