"""What administrators see and do with people, in a real browser."""

from datetime import timedelta
from typing import Any

import pyotp
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select

from accounts.models import AuditEntry, TotpDevice, User
from accounts.roles import Role
from config.kernel import clock
from tests.accounts.factories import PASSWORD, UserFactory
from tests.browser.conftest import LogIn

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.slow]


def press(browser: Chrome, value: str) -> None:
    browser.find_element(By.CSS_SELECTOR, f"input[type=submit][value='{value}']").click()


def text(browser: Chrome, selector: str) -> str:
    return browser.find_element(By.CSS_SELECTOR, selector).text


def test_second_factor_is_turned_on_and_then_asked_for(
    browser: Chrome, site: str, log_in: LogIn, settings: Any
) -> None:
    settings.ADMIN_REQUIRE_2FA = True
    person = log_in(Role.ADMIN)

    browser.get(f"{site}/admin/accounts/user/")
    assert text(browser, "#content h1") == "Two-factor authentication"
    browser.find_element(By.NAME, "password").send_keys(PASSWORD)
    press(browser, "Set up")
    assert browser.find_element(By.CSS_SELECTOR, "#content svg").size["width"] > 100
    secret = text(browser, "#content code")
    browser.find_element(By.NAME, "otp").send_keys(pyotp.TOTP(secret).now())
    press(browser, "Turn on")
    codes = text(browser, "pre.raw").split()
    assert len(codes) == 10
    assert TotpDevice.objects.get().user == person

    browser.delete_all_cookies()
    browser.get(f"{site}/admin/login/?next=/admin/accounts/user/")
    browser.find_element(By.NAME, "username").send_keys(person.username)
    browser.find_element(By.NAME, "password").send_keys(PASSWORD)
    press(browser, "Log in")
    assert text(browser, ".errornote") == "This code is not right, or has been used before."
    browser.find_element(By.NAME, "password").send_keys(PASSWORD)
    browser.find_element(By.NAME, "otp").send_keys(codes[0])
    press(browser, "Log in")
    assert text(browser, "#content h1") == "Select user to view"


def test_newcomer_is_approved_with_a_reason(browser: Chrome, site: str, log_in: LogIn) -> None:
    boss = log_in(Role.ADMIN)
    newcomer = UserFactory.create(status="pending", signup_flags=["shared_address"])
    since = clock.now() - timedelta(minutes=1)

    browser.get(f"{site}/admin/accounts/user/?status__exact=pending")
    assert "shared_address" in text(browser, "#result_list")
    browser.find_element(By.CSS_SELECTOR, f"input[name=_selected_action][value='{newcomer.pk}']").click()
    Select(browser.find_element(By.NAME, "action")).select_by_visible_text("Approve: let selected people in…")
    browser.find_element(By.NAME, "index").click()
    press(browser, "Go on")
    assert text(browser, ".errorlist") == "Say why."
    assert User.objects.get(pk=newcomer.pk).status == "pending"
    browser.find_element(By.NAME, "reason").send_keys("Met at the conference.")
    press(browser, "Go on")

    assert text(browser, ".messagelist") == "1 approved."
    entry = AuditEntry.objects.about(newcomer).get()
    assert (entry.verb, entry.actor, entry.reason) == ("accounts.user.approved", boss, "Met at the conference.")
    assert entry.created_at > since
