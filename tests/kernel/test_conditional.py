import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.conditional import cache_publicly, matches, not_modified, require_match, weak_etag
from config.kernel.errors import PreconditionFailed

TAG = 'W/"abc"'


def request(**headers):
    return RequestFactory().get("/", headers=headers)


@pytest.mark.parametrize("header", ['W/"abc"', '"abc"', "*", ' W/"x" , "abc"', '"x","abc","y"', '"a,b", W/"abc"'])
def test_a_list_that_names_the_tag_matches(header):
    assert matches(header, TAG)


@pytest.mark.parametrize("header", ["", "abc", '"ABC"', '"abcd"', '"x"', "W/abc", '"', '"abc', '"a,b"'])
def test_a_list_without_the_tag_does_not(header):
    assert not matches(header, TAG)


def test_a_million_tags_are_searched_quickly():
    assert not matches('"x",' * 250_000 + '"' * 100_000, TAG)


def test_a_client_that_holds_the_answer_gets_none():
    response = not_modified(request(if_none_match=TAG), TAG)

    assert response is not None
    assert response.status_code == 304
    assert response.content == b""
    assert response["ETag"] == TAG
    assert "Content-Type" not in response


def test_any_other_client_gets_the_answer():
    assert not_modified(request(), TAG) is None
    assert not_modified(request(if_none_match='"old"'), TAG) is None


def test_a_write_on_top_of_a_changed_version_fails():
    with pytest.raises(PreconditionFailed) as refused:
        require_match(request(if_match='"old"'), TAG)

    assert refused.value.details == {"etag": TAG}
    assert refused.value.headers == {"ETag": TAG}


def test_a_write_on_top_of_the_version_that_was_read_passes():
    require_match(request(if_match=TAG), TAG)
    require_match(request(if_match="*"), TAG)
    require_match(request(), TAG)


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_different_facts_have_different_tags(some, others):
    assert (weak_etag(*some) == weak_etag(*others)) == (some == others)


def test_a_tag_matches_itself():
    assert matches(weak_etag(7, "limit=5"), weak_etag(7, "limit=5"))


@pytest.mark.parametrize(("seconds", "header"), [(10, "public, max-age=10"), (3_600, "public, max-age=60")])
def test_shared_caches_keep_an_answer_for_a_minute_at_most(seconds, header):
    response = HttpResponse()
    cache_publicly(response, seconds=seconds)

    assert response["Cache-Control"] == header
