import pytest

from markets.providers.web_links import canonical


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://News.Example.com/a", "https://news.example.com/a"),
        (" https://news.example.com/a?utm_source=rss&id=7&fbclid=x#top ", "https://news.example.com/a?id=7"),
        ("http://news.example.com:80", "http://news.example.com/"),
        ("https://news.example.com:8443/a", "https://news.example.com:8443/a"),
        ("https://b\u00fccher.example/\u00e4", "https://xn--bcher-kva.example/%C3%A4"),
        ("https://news.example.com/a%20b", "https://news.example.com/a%20b"),
        ("https://[2606:4700::1111]/a", "https://[2606:4700::1111]/a"),
    ],
)
def test_one_page_has_one_address(link: str, expected: str) -> None:
    assert canonical(link) == expected
    assert canonical(expected) == expected


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "ftp://news.example.com/",
        "//news.example.com/a",
        "/a",
        "https://user@news.example.com/",
        "https://news.example.com\\@evil.example/",
        "https://news.exa\u202emple.com/",
        "https://news.example.com/a b",
        "java\nscript:alert(1)",
        "https://",
        "https://./",
        "https://[::1/",
        "https://news.example.com:99999/",
        "https://" + "a" * 70 + ".example/",
        "https://news.example.com/" + "a" * 1_000,
        "",
    ],
)
def test_what_no_reader_should_follow_is_no_link(link: str) -> None:
    assert canonical(link) is None
