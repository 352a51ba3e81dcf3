import socket

import pytest

from config.kernel import outbound
from config.kernel.outbound import ForbiddenDestination


@pytest.mark.parametrize(
    "url",
    [
        "https://news.example.com/feed",
        "http://news.example.com:80/feed?format=rss",
        "https://news.example.com:443/",
        "https://xn--bcher-kva.example/feed",
        "https://8.8.8.8/feed",
        "https://[2606:4700::1111]/feed",
    ],
)
def test_public_addresses_may_be_named(url):
    assert outbound.require_public_url(url).geturl() == url


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://10.1.2.3/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.64.0.1/",
        "http://192.0.0.192/latest/",
        "http://0.0.0.0/",
        "http://255.255.255.255/",
        "http://224.0.0.1/",
        "http://[::1]/",
        "http://[fc00::1]/",
        "http://[fe80::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://localhost/",
        "http://metadata/",
        "https://user@news.example.com/",
        "https://user:word@news.example.com/",
        "https://@news.example.com/",
        "https://news.example.com:8080/",
        "http://news.example.com:443/",
        "https://news.example.com:0/",
        "https://news.example.com:99999/",
        "file:///etc/passwd",
        "ftp://news.example.com/",
        "gopher://news.example.com/",
        "javascript:alert(1)",
        "//news.example.com/",
        "https://",
        "https://./",
        "https://news.example.com\\@10.0.0.1/",
        "https://news.exa\tmple.com/",
        "https://news.example.com/\r\nHost: inner",
        "https://bücher.example/",
        "https://[::1/",
        "https://news.example.com/" + "a" * 1_000,
        "",
    ],
)
def test_anything_else_is_refused_by_its_text(url):
    with pytest.raises(ForbiddenDestination):
        outbound.require_public_url(url)


def test_a_name_with_public_addresses_gives_them_in_order():
    found = outbound.public_addresses(
        "news.example.com", 443, resolve=lambda host, port: ["93.184.215.14", "2606:4700::1111", "93.184.215.14"]
    )

    assert found == ["93.184.215.14", "2606:4700::1111"]


@pytest.mark.parametrize(
    "answer",
    [["127.0.0.1"], ["93.184.215.14", "10.0.0.7"], ["::1"], ["fe80::1%eth0"], ["169.254.169.254"], []],
)
def test_a_name_with_even_one_private_address_is_refused(answer):
    with pytest.raises(ForbiddenDestination):
        outbound.public_addresses("rebound.example.com", 443, resolve=lambda host, port: answer)


def test_the_system_resolves_names_unless_told_otherwise():
    assert outbound.resolve("127.0.0.1", 80) == ["127.0.0.1"]


def test_a_name_that_does_not_exist_is_a_failure_of_the_network():
    with pytest.raises(socket.gaierror):
        outbound.resolve("no-such-host.invalid", 80)
