import base64
import json
import uuid
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import tokens
from accounts.models import Session, User
from accounts.tokens import Claims, TokenExpired, TokenInvalid, TokenType

pytestmark = pytest.mark.unit

ALICE = User(pk=7, username="alice", token_version=3)
SESSION = uuid.UUID("019a9d5e-6f00-7c3e-8a51-0242ac120002")
JTI = uuid.UUID("0123456789abcdef0123456789abcdef")


def now() -> datetime:
    return datetime.now(UTC)


def session(created_at: datetime) -> Session:
    return Session(pk=SESSION, user=ALICE, refresh_jti=JTI, rotated_at=created_at, created_at=created_at)


def issue(token_type: TokenType, *, at: datetime) -> str:
    """A token of a login at `at`."""
    made = session(at)
    return tokens.access_token(made, at=at) if token_type == TokenType.ACCESS else tokens.refresh_token(made)


def claims(**changes: object) -> dict[str, object]:
    issued = int(now().timestamp())
    genuine = {
        "sub": "7",
        "sid": SESSION.hex,
        "tv": 3,
        "type": "access",
        "iat": issued,
        "exp": issued + 60,
        "iss": tokens.ISSUER,
        "aud": tokens.AUDIENCE,
        "jti": JTI.hex,
    }
    return {name: value for name, value in {**genuine, **changes}.items() if value is not ...}


@pytest.fixture
def sign(settings):
    def sign(payload: dict[str, object], *, key: str | None = None, algorithm: str = "HS256", **headers: object) -> str:
        return jwt.encode(payload, key or settings.JWT_SECRET_KEY, algorithm=algorithm, headers=headers)

    return sign


@pytest.mark.parametrize("token_type", TokenType)
def test_issued_token_is_read_as_what_it_is(token_type):
    token = issue(token_type, at=now())

    claims = tokens.read(token, token_type)
    assert (claims.user_id, claims.session_id, claims.token_version) == (7, SESSION, 3)


def test_claims_are_complete_and_times_follow_the_settings(settings):
    settings.ACCESS_TOKEN_EXPIRES_MIN, settings.REFRESH_TOKEN_EXPIRES_DAYS = 15, 7
    settings.SESSION_TIMEOUT_MINUTES, settings.MAX_SESSION_TTL_HOURS = 30, 24
    at = datetime(2026, 3, 12, 12, tzinfo=UTC)

    def payload(token_type: TokenType) -> dict[str, object]:
        return jwt.decode(issue(token_type, at=at), options={"verify_signature": False})

    access, refresh = payload(TokenType.ACCESS), payload(TokenType.REFRESH)
    issued = int(at.timestamp())
    assert access == {
        "sub": "7",
        "sid": SESSION.hex,
        "tv": 3,
        "type": "access",
        "iat": issued,
        "exp": issued + 900,
        "iss": "crypto-platform",
        "aud": "crypto-platform-api",
        "jti": access["jti"],
    }
    assert (refresh["type"], refresh["exp"], refresh["jti"]) == ("refresh", issued + 604_800, JTI.hex)
    assert len({access["jti"], refresh["jti"], payload(TokenType.ACCESS)["jti"]}) == 3


def test_refresh_token_of_a_session_is_the_same_text_until_it_is_exchanged():
    at = now()
    made = session(at)

    first, again = tokens.refresh_token(made), tokens.refresh_token(made)
    made.refresh_jti = uuid.uuid4()

    assert first == again
    assert tokens.refresh_token(made) != first


@pytest.mark.parametrize(
    ("access_minutes", "idle_minutes", "hours", "age_minutes", "lives_minutes"),
    [
        (15, 30, 24, 0, 15),
        (60, 30, 24, 0, 30),  # left alone that long, its session is over
        (60, 0, 24, 0, 60),
        (60, 30, 1, 50, 10),  # its session ends for good
        (15, 0, 0, 100_000, 15),
    ],
)
def test_access_token_does_not_outlive_its_session(
    settings, access_minutes, idle_minutes, hours, age_minutes, lives_minutes
):
    settings.ACCESS_TOKEN_EXPIRES_MIN, settings.SESSION_TIMEOUT_MINUTES = access_minutes, idle_minutes
    settings.MAX_SESSION_TTL_HOURS = hours
    at = datetime(2026, 3, 12, 12, tzinfo=UTC)

    token = tokens.access_token(session(at - timedelta(minutes=age_minutes)), at=at)

    expires = jwt.decode(token, options={"verify_signature": False})["exp"]
    assert expires == int((at + timedelta(minutes=lives_minutes)).timestamp())


@pytest.mark.parametrize(("made", "wanted"), [("access", "refresh"), ("refresh", "access")])
def test_one_type_of_token_does_not_pass_for_the_other(made, wanted):
    token = issue(TokenType(made), at=now())

    with pytest.raises(TokenInvalid):
        tokens.read(token, TokenType(wanted))


def test_token_expires_at_the_end_of_its_time_and_not_before(settings):
    settings.ACCESS_TOKEN_EXPIRES_MIN = 15
    lifetime = timedelta(minutes=15)

    alive = issue(TokenType.ACCESS, at=now() - lifetime + timedelta(minutes=1))
    dead = issue(TokenType.ACCESS, at=now() - lifetime - timedelta(minutes=1))

    assert tokens.read(alive, TokenType.ACCESS).user_id == 7
    with pytest.raises(TokenExpired):
        tokens.read(dead, TokenType.ACCESS)


def test_token_made_by_hand_like_ours_is_read(sign):
    expires_at = int(now().timestamp()) + 60

    assert tokens.read(sign(claims(exp=expires_at)), TokenType.ACCESS) == Claims(
        user_id=7, session_id=SESSION, token_version=3, jti=JTI, expires_at=expires_at
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": ...},
        {"sub": 7},
        {"sub": ""},
        {"sub": "-7"},
        {"sub": "7.0"},
        {"sub": "\u0667"},
        {"sub": "9" * 19},
        {"tv": ...},
        {"tv": "3"},
        {"tv": True},
        {"tv": None},
        {"type": ...},
        {"type": "refresh"},
        {"type": ["access"]},
        {"iat": ...},
        {"exp": ...},
        {"jti": ...},
        {"jti": "0123456789abcdef"},
        {"jti": 7},
        {"jti": None},
        {"sid": ...},
        {"sid": str(SESSION)},
        {"sid": SESSION.hex.upper()},
        {"sid": ["019a9d5e6f007c3e8a510242ac120002"]},
        {"sid": None},
        {"iss": ...},
        {"iss": "somebody-else"},
        {"aud": ...},
        {"aud": "another-api"},
        {"iat": 4_102_444_800},
        {"exp": "soon"},
        {"nbf": 4_102_444_800},
    ],
    ids=str,
)
def test_genuine_signature_does_not_excuse_a_claim_that_is_wrong(sign, changes):
    with pytest.raises(TokenInvalid):
        tokens.read(sign(claims(**changes)), TokenType.ACCESS)


def unsigned(algorithm: str) -> str:
    parts = [{"alg": algorithm, "typ": "JWT"}, claims()]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", "HS256", "RS256"])
def test_token_without_a_signature_is_refused(algorithm):
    with pytest.raises(TokenInvalid):
        tokens.read(unsigned(algorithm), TokenType.ACCESS)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_token_signed_by_another_algorithm_is_refused(sign, algorithm):
    with pytest.raises(TokenInvalid):
        tokens.read(sign(claims(), algorithm=algorithm), TokenType.ACCESS)


def test_token_signed_with_another_key_is_refused(sign):
    with pytest.raises(TokenInvalid):
        tokens.read(sign(claims(), key="k" * 64), TokenType.ACCESS)


def test_token_longer_than_any_of_ours_is_not_even_decoded(sign):
    with pytest.raises(TokenInvalid):
        tokens.read(sign(claims(padding="x" * tokens.MAXIMUM_LENGTH)), TokenType.ACCESS)


@pytest.mark.parametrize("header", [{"kid": "../../dev/null"}, {"jku": "http://127.0.0.1:9/keys"}, {"x5u": "file:///"}])
def test_header_cannot_choose_the_key(sign, header):
    with pytest.raises(TokenInvalid):
        tokens.read(sign(claims(), key="k" * 64, **header), TokenType.ACCESS)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "\0",
        "é.é.é",
        "\ud800",
        "eyJhbGciOiJIUzI1NiJ9..",
        "A" * 10_000_000,
        base64.urlsafe_b64encode(b"[" * 3_000).decode() + ".e30.x",
        base64.urlsafe_b64encode(b'{"alg":' + b"[" * 2_900).decode() + ".e30.x",
    ],
    ids=lambda token: f"{token[:20]!r} ({len(token)})",
)
def test_garbage_is_refused(token):
    with pytest.raises(TokenInvalid):
        tokens.read(token, TokenType.ACCESS)


@given(
    st.text(max_size=200) | st.binary(max_size=100).map(lambda raw: base64.urlsafe_b64encode(raw).decode() + ".e30.x")
)
def test_no_text_whatever_passes_for_a_token(token):
    with pytest.raises(TokenInvalid):
        tokens.read(token, TokenType.ACCESS)


@given(position=st.integers(min_value=0), letter=st.sampled_from("AQgwx09-_."))
def test_token_with_one_letter_changed_is_refused(position, letter):
    token = issue(TokenType.ACCESS, at=now())
    index = position % token.rindex(".")
    if token[index] == letter:
        letter = "z"

    with pytest.raises(TokenInvalid):
        tokens.read(token[:index] + letter + token[index + 1 :], TokenType.ACCESS)
