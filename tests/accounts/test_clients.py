import pytest

from accounts.clients import MAXIMUM_LENGTH, Client

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15) Chrome/140.0 Safari/537.36", "Chrome on macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("python-httpx/0.28", "Python"),
        ("Python-urllib/3.11", "Python"),
        ("curl/8.5.0", "curl"),
        ("", "Unknown device"),
        ("\x00\u202e<script>", "Unknown device"),
    ],
)
def test_device_is_named_for_people(user_agent, device):
    assert Client.of(address=None, user_agent=user_agent).device == device


def test_what_a_client_says_is_cut_and_made_harmless():
    client = Client.of(address=None, user_agent="a\r\nb\x00c" + "x" * 9_999)

    assert client.user_agent.startswith("a  b cxxx")
    assert len(client.user_agent) == MAXIMUM_LENGTH
