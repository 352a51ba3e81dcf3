import pytest
from django.http import HttpResponse
from django.urls import Resolver404, reverse
from django.urls.resolvers import RegexPattern, URLResolver

from config.kernel.routes import route


def view(request, **arguments):
    return HttpResponse()


RESOLVER = URLResolver(
    RegexPattern(r"^/"),
    (
        route("coins/", view, "coins"),
        route("coins/<str:symbol>", view, "coin"),
        route("coins/<str:symbol>/bars/<int:year>/", view, "bars"),
    ),
)


@pytest.mark.parametrize(
    ("path", "name", "arguments"),
    [
        ("/coins", "coins", {}),
        ("/coins/", "coins", {}),
        ("/coins/btc", "coin", {"symbol": "btc"}),
        ("/coins/btc/", "coin", {"symbol": "btc"}),
        ("/coins/btc/bars/2024", "bars", {"symbol": "btc", "year": 2024}),
        ("/coins/btc/bars/2024/", "bars", {"symbol": "btc", "year": 2024}),
    ],
)
def test_both_spellings_lead_to_the_same_view(path, name, arguments):
    match = RESOLVER.resolve(path)

    assert (match.url_name, match.kwargs) == (name, arguments)


@pytest.mark.parametrize(
    "path", ["/", "/coin", "/coins//", "/coins/btc//", "/coins/btc/bars/x", "/coins/btc/bars/2024/\n"]
)
def test_other_paths_lead_nowhere(path):
    with pytest.raises(Resolver404):
        RESOLVER.resolve(path)


def test_a_converter_may_refuse_what_looks_right():
    class Even:
        regex = "[0-9]+"

        def to_python(self, text):
            if int(text) % 2:
                raise ValueError(text)
            return int(text)

    pattern = route("n/<int:number>", view, "n").pattern
    pattern.converters = {"number": Even()}

    assert pattern.match("n/4/") == ("", (), {"number": 4})
    assert pattern.match("n/5/") is None


def test_links_are_built_as_the_route_is_written():
    assert RESOLVER.reverse("coins") == "coins/"
    assert RESOLVER.reverse("coin", symbol="btc") == "coins/btc"
    assert reverse("health") == "/health"
