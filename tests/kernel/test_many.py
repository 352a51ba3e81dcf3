import pytest

from config.kernel.many import any_of
from markets.models import Asset
from tests.markets.factories import AssetFactory

pytestmark = pytest.mark.django_db


def test_rows_are_those_of_the_ids():
    first, second, third = AssetFactory.create_batch(3)

    assert set(Asset.objects.filter(pk__in=any_of([first.pk, third.pk, 999_999]))) == {first, third}
    assert not Asset.objects.filter(pk__in=any_of([])).exists()
    assert set(Asset.objects.exclude(pk__in=any_of([first.pk]))) == {second, third}


def test_statement_is_the_same_for_one_id_and_for_many():
    one, many = (Asset.objects.filter(pk__in=any_of(range(count))).query.sql_with_params() for count in (1, 5_000))

    assert one[0] == many[0]
    assert len(one[1]) == len(many[1]) == 1


def test_what_is_no_number_is_refused_before_the_database_is_asked():
    with pytest.raises(ValueError, match="invalid literal"):
        any_of(["x"])  # type: ignore[list-item]
