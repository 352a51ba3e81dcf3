"""Tokens that we have not made, or not for this."""

import base64
import json
import socket
import uuid
from datetime import timedelta
from typing import Any

import jwt
import pytest

from accounts import tokens
from config.kernel import clock
from tests.accounts.factories import SessionFactory, UserFactory
from tests.security.answers import outcome

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def session():
    return SessionFactory.create(created_at=clock.now())


@pytest.fixture
def claims(session):
    """What a genuine token of the session says, with changes; `...` leaves a claim out."""

    def claims(**changes: Any) -> dict[str, Any]:
        now = int(clock.now().timestamp())
        genuine = {
            "sub": str(session.user_id),
            "sid": session.pk.hex,
            "tv": session.user.token_version,
            "type": "access",
            "iat": now,
            "exp": now + 60,
            "jti": uuid.uuid4().hex,
            "iss": tokens.ISSUER,
            "aud": tokens.AUDIENCE,
        }
        return {name: value for name, value in {**genuine, **changes}.items() if value is not ...}

    return claims


@pytest.fixture
def sign(settings):
    def sign(payload: dict[str, Any], *, key: str | None = None, algorithm: str = "HS256", **headers: Any) -> str:
        return jwt.encode(payload, key or settings.JWT_SECRET_KEY, algorithm=algorithm, headers=headers)

    return sign


@pytest.fixture
def show(send):
    """Show one text as an access token, and as a refresh token in the header and in the body."""

    def show(token: str) -> set[tuple[int, str | None]]:
        headers = {"Authorization": f"Bearer {token}"}
        return {
            outcome(send("GET", "/api/v1/me", headers=headers)),
            outcome(send("POST", "/api/v1/refresh", headers=headers)),
            outcome(send("POST", "/api/v1/refresh", {"refresh_token": token})),
        }

    return show


def unsigned(header: object, payload: object) -> str:
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, payload)
    )


def test_the_token_that_the_forgeries_below_resemble_is_good(claims, sign, send):
    token = sign(claims())

    assert send("GET", "/api/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", "", None, 7, ["HS256"], {"a": 1}, "RS256"])
def test_unsigned_token_is_refused_whatever_algorithm_it_names(claims, show, algorithm):
    for signature in (".", "", ".AAAA"):
        assert show(unsigned({"alg": algorithm, "typ": "JWT"}, claims()) + signature) == {(401, "token_invalid")}


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_our_key_with_another_algorithm_is_refused(claims, sign, show, algorithm):
    assert show(sign(claims(), algorithm=algorithm)) == {(401, "token_invalid")}


@pytest.mark.parametrize("type_", ["access", "refresh"])
def test_other_key_is_refused(claims, sign, show, settings, type_):
    for key in ("k" * 64, settings.JWT_SECRET_KEY + " ", settings.SECRET_KEY):
        assert show(sign(claims(type=type_), key=key)) == {(401, "token_invalid")}


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "../../dev/null"},
        {"kid": "' OR 1=1 --"},
        {"kid": 7},
        {"x5u": "file:///etc/passwd"},
        {"crit": ["exp"]},
        {"jwk": {"kty": "oct", "k": base64.urlsafe_b64encode(b"k" * 64).decode().rstrip("=")}},
    ],
    ids=str,
)
def test_header_cannot_name_the_key(claims, sign, show, header):
    token = unsigned({"alg": "HS256", "typ": "JWT", **header}, claims())
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(token.encode(), b"k" * 64)

    assert show(f"{token}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}") == {(401, "token_invalid")}


def test_address_in_the_header_of_a_genuine_token_is_not_asked_for_keys(claims, sign, send):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/keys"
        token = sign(claims(), jku=address, x5u=address)

        assert send("GET", "/api/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200

        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize(
    "changes",
    [
        *({name: ...} for name in ("sub", "sid", "tv", "type", "iat", "jti", "iss", "aud")),
        *({"sub": sub} for sub in (7, "", "-1", "1e3", "0x1", "9" * 19, None, ["1"], {"$gt": ""})),
        *({"sid": sid} for sid in (7, "", "0" * 31, "693eaf77-cec3-4033-a7d8-b6d8da711580", None, ["0" * 32])),
        *({"tv": tv} for tv in ("0", True, None, 0.0, [0])),
        *({"type": type_} for type_ in ("refresh token", "Access", None, ["access"], "password_reset", "otp")),
        {"iat": 4_102_444_800},
        {"nbf": 4_102_444_800},
        {"nbf": 0},
        {"iss": "somebody-else"},
        {"aud": "another-api"},
        {"aud": []},
        {"exp": ...},
        {"exp": "soon"},
        {"exp": None},
        {"role": "admin"},
        {"jti": "../../etc"},
    ],
    ids=str,
)
def test_genuine_signature_does_not_excuse_odd_claims(claims, sign, show, changes):
    assert show(sign(claims(**changes))) == {(401, "token_invalid")}


def test_claims_of_another_person_do_not_fit_the_session(claims, sign, send):
    other = UserFactory.create()

    answer = send("GET", "/api/v1/me", headers={"Authorization": f"Bearer {sign(claims(sub=str(other.pk)))}"})

    assert outcome(answer) == (401, "token_invalid")


def test_neither_type_of_token_passes_for_the_other(session, send):
    access, refresh = tokens.access_token(session, at=clock.now()), tokens.refresh_token(session)

    assert outcome(send("POST", "/api/v1/refresh", {"refresh_token": access})) == (401, "token_invalid")
    assert outcome(send("GET", "/api/v1/me", headers={"Authorization": f"Bearer {refresh}"})) == (401, "token_invalid")


def test_expired_tokens_are_refused(session, send, settings):
    settings.REFRESH_TOKEN_EXPIRES_DAYS = 1
    past = clock.now() - timedelta(days=2)
    session.created_at = session.rotated_at = past
    access, refresh = tokens.access_token(session, at=past), tokens.refresh_token(session)

    assert outcome(send("GET", "/api/v1/me", headers={"Authorization": f"Bearer {access}"})) == (401, "token_expired")
    assert outcome(send("POST", "/api/v1/refresh", {"refresh_token": refresh})) == (401, "token_expired")


@pytest.mark.parametrize(
    "token",
    [
        "a.b.c",
        "..",
        "\x00",
        "\x00.\x00.\x00",
        "é.é.é",
        "ÿ",
        "%00",
        "' OR 1=1",
        "eyJhbGciOiJIUzI1NiJ9..",
        "[" * 4000,
        base64.urlsafe_b64encode(b"[" * 3000).decode() + ".e30.x",
        "A" * 10000000,
    ],
    ids=lambda token: f"{token[:16]!r} ({len(token)})",
)
@pytest.mark.parametrize("scheme", ["Bearer", "Api-Key"])
def test_garbage_in_the_header_is_refused_and_breaks_nothing(send, scheme, token):
    for method, path in (("GET", "/api/v1/me"), ("GET", "/api/v1/auth/keys/current"), ("POST", "/api/v1/refresh")):
        answer = send(method, path, headers={"Authorization": f"{scheme} {token}"})

        refusals = {(401, "token_invalid"), (401, "api_key_invalid"), (400, "validation_error")}
        assert outcome(answer) in refusals, (method, path)


@pytest.mark.parametrize(
    ("raw", "refusal"),
    [
        ('{"refresh_token": "\\u0000"}', (400, "malformed_body")),
        ('{"refresh_token": "\\ud800"}', (400, "malformed_body")),
        ('{"refresh_token": "é"}', (401, "token_invalid")),
        ('{"refresh_token": ["a"]}', (400, "validation_error")),
        ('{"refresh_token": {"$ne": ""}}', (400, "validation_error")),
        ('{"refresh_token": 7}', (401, "token_invalid")),
        ('{"refresh_token": "' + "A" * 1_000_000 + '"}', (401, "token_invalid")),
        ('{"refresh_token": "' + "A" * 10_000_000 + '"}', (413, "payload_too_large")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_garbage_in_the_body_is_refused_and_breaks_nothing(send, raw, refusal):
    assert outcome(send("POST", "/api/v1/refresh", raw)) == refusal
