import numpy as np

from markets.providers.listings import Listings
from markets.providers.rejects import Reject


def test_nothing_is_nothing_but_its_rejects() -> None:
    reject = Reject("a", "duplicate", "", "")

    assert (len(Listings.concat([])), Listings.concat([]).rows_in) == (0, 0)
    assert (len(Listings.empty([reject])), Listings.empty([reject]).rows_in) == (0, 1)


def test_rows_are_taken_by_mask_or_in_the_order_of_indices() -> None:
    empty = Listings.empty()
    assert len(empty.take(np.empty(0, dtype=np.bool_))) == 0
    assert len(empty.take(np.empty(0, dtype=np.intp))) == 0
