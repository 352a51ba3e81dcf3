from ipaddress import ip_network

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.addresses import UNKNOWN, bucket_address, client_address, is_believed


def request(peer, forwarded=None):
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    return RequestFactory().get("/", REMOTE_ADDR=peer, headers=headers)


@pytest.fixture
def proxies(settings):
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize("peer", ["203.0.113.9", "127.0.0.1", "10.0.0.1"])
def test_without_trusted_proxies_nobody_speaks_for_others(peer):
    assert client_address(request(peer, "198.51.100.1")) == peer


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8::1]:443, 10.1.1.1", "2001:db8::1"),
        ("10.0.0.1", "2001:DB8::1", "2001:db8::1"),
        ("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("fd00::1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", ",,,", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.7, 10.0.0.8", "10.0.0.7"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("203.0.113.9:5000", "198.51.100.1", "203.0.113.9"),
    ],
)
def test_the_client_is_the_nearest_hop_that_is_no_trusted_proxy(proxies, peer, forwarded, client):
    assert client_address(request(peer, forwarded)) == client


def test_only_the_nearest_hops_are_read(proxies):
    assert client_address(request("10.0.0.1", "198.51.100.1," * 100_000 + "10.0.0.2," * 30 + "10.0.0.3")) == "10.0.0.2"


@pytest.mark.parametrize("peer", ["", "unix:", "/run/web.sock"])
def test_a_peer_without_an_address_is_unknown(peer):
    assert client_address(request(peer)) == UNKNOWN
    assert client_address(request(peer, "198.51.100.1")) == UNKNOWN


@given(st.text(st.characters(max_codepoint=255), max_size=60))
def test_no_header_breaks_the_search(forwarded):
    assert client_address(request("203.0.113.9", forwarded)) == "203.0.113.9"


def test_a_bucket_is_what_one_subscriber_holds():
    assert bucket_address("203.0.113.9") == "203.0.113.9"
    assert bucket_address("2001:db8:1:2:3:4:5:6") == bucket_address("2001:db8:1:2::1") == "2001:db8:1:2::/64"
    assert bucket_address("2001:db8:1:3::1") != bucket_address("2001:db8:1:2::1")
    assert bucket_address(UNKNOWN) == UNKNOWN


def test_an_undeclared_proxy_is_not_believed(proxies):
    assert is_believed(request("203.0.113.9"))
    assert is_believed(request("10.0.0.1", "198.51.100.1"))
    assert not is_believed(request("172.16.0.1", "198.51.100.1"))
