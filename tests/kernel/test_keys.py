import uuid
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel import keys
from config.kernel.keys import uuid7

NANOSECONDS = st.integers(min_value=1_000_000, max_value=(2**48 - 2) * 1_000_000)


@contextmanager
def clock(*moments):
    """A clock that shows these nanoseconds one after another to somebody who has made no key yet."""
    following = iter(moments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "_latest", keys._Latest())
        patch.setattr("time.time_ns", lambda: next(following))
        yield patch


@given(NANOSECONDS, st.binary(min_size=8, max_size=8))
def test_key_is_a_version_7_uuid_of_the_milliseconds_their_fraction_and_62_random_bits(nanoseconds, chance):
    with clock(nanoseconds) as patch:
        patch.setattr("os.urandom", lambda size: chance)

        key = uuid7()

    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    assert (key.version, key.variant, key.int >> 80) == (7, uuid.RFC_4122, milliseconds)
    assert key.int >> 64 & 0xFFF == rest * 4096 // 1_000_000
    assert key.int & (1 << 62) - 1 == int.from_bytes(chance) >> 2


@given(st.lists(NANOSECONDS, min_size=2))
def test_keys_increase_whatever_the_clock_does(moments):
    with clock(*moments):
        made = [uuid7() for _ in moments]

    assert made == sorted(set(made))


def test_keys_of_one_instant_differ_by_the_least_step():
    with clock(5_999_999, 5_999_999, 5_999_999):
        made = [uuid7() for _ in range(3)]

    assert [(key.int >> 80, key.int >> 64 & 0xFFF) for key in made] == [(5, 4095), (6, 0), (6, 1)]
