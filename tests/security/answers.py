"""Answers as a test compares them."""

from typing import Any


def outcome(answer: Any) -> tuple[int, str | None]:
    """The status of an answer, and the code of its error."""
    return answer.status_code, answer.json().get("error", {}).get("code")


def without_request_id(answer: Any) -> tuple[int, Any]:
    """All that a client could tell two refusals apart by."""
    body = answer.json()
    body.get("error", {}).get("details", {}).pop("request_id", None)
    return answer.status_code, body
