"""Moderators and operators at work, as they see it."""

from datetime import date

import numpy as np
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from accounts.models import AuditEntry
from accounts.roles import Role
from config.admin_site import SIMULATED_BANNER
from markets.actions import market
from markets.actions.market import Simulation
from markets.models import Asset, QuarantinedRecord, Quote
from tests.browser.conftest import LogIn
from tests.markets.factories import NOON, AssetFactory, QuarantinedRecordFactory, QuoteFactory, store_daily_bars
from tests.markets.runs.test_retry import held_back

pytestmark = [pytest.mark.browser, pytest.mark.integration]


def find(browser: Chrome, selector: str) -> WebElement:
    return browser.find_element(By.CSS_SELECTOR, selector)


def messages(browser: Chrome) -> list[str]:
    return [line.text for line in browser.find_elements(By.CSS_SELECTOR, ".messagelist li")]


def press(browser: Chrome, text: str) -> None:
    find(browser, f"input[type=submit][value='{text}']").click()


def choose(browser: Chrome, action: str) -> None:
    """Tick the first row of a list and pick what is to be done with it."""
    find(browser, "#result_list tbody .action-select").click()
    find(browser, f"select[name=action] option[value={action}]").click()
    find(browser, ".actions button[name=index]").click()


@pytest.fixture
def bitcoin(site: str) -> Asset:
    """Two years of closes with a hole of ten days."""
    asset = AssetFactory.create(slug="bitcoin", symbol="BTC", name="Bitcoin")
    closes: list[float | None] = np.geomspace(100.0, 5_000.0, 730).tolist()
    closes[600:610] = [None] * 10
    store_daily_bars(asset, date(2024, 3, 12), closes)
    QuoteFactory.create(asset=asset, price=5_000.0)
    return asset


def test_viewer_cannot_enter(browser: Chrome, site: str, log_in: LogIn) -> None:
    log_in(Role.VIEWER)

    assert "Please enter the correct username and password for a staff account" in find(browser, ".errornote").text
    browser.get(f"{site}/admin/markets/asset/")
    assert find(browser, "#login-form").is_displayed()


def test_moderator_sees_the_chart_in_both_themes(browser: Chrome, site: str, log_in: LogIn, bitcoin: Asset) -> None:
    log_in(Role.MODERATOR)
    browser.get(f"{site}/admin/markets/asset/")
    browser.find_element(By.LINK_TEXT, "BTC").click()

    chart = find(browser, "svg.price-chart")

    assert chart.size["width"] > 600
    line = find(browser, "svg.price-chart path.line")
    drawn = line.get_attribute("d") or ""
    assert (drawn.count("M"), drawn.count("L")) == (2, 365 - 10 - 2)
    assert browser.execute_script("return arguments[0].getTotalLength()", line) > 600
    assert [text.text for text in chart.find_elements(By.TAG_NAME, "text")][-1] == "Mar 2026"
    colours = []
    for theme in ("light", "dark"):
        browser.execute_script(f"document.documentElement.dataset.theme = '{theme}'")
        label = find(browser, "svg.price-chart .labels")
        colours.append((line.value_of_css_property("stroke"), label.value_of_css_property("fill")))
    assert len({colour for pair in colours for colour in pair}) == 4

    browser.find_element(By.LINK_TEXT, "all").click()
    browser.find_element(By.XPATH, "//strong[text()='all']")
    drawn = find(browser, "svg.price-chart path.line").get_attribute("d") or ""
    assert drawn.count("L") == 730 - 10 - 2


def test_moderator_dismisses_a_row_only_with_a_reason(browser: Chrome, site: str, log_in: LogIn) -> None:
    record = QuarantinedRecordFactory.create(external_id="<b>coin</b>", raw='{"id":"<img src=x onerror=alert(1)>"}')
    moderator = log_in(Role.MODERATOR)
    browser.get(f"{site}/admin/markets/quarantinedrecord/{record.pk}/change/")
    assert find(browser, "pre.raw").text == '{\n  "id": "<img src=x onerror=alert(1)>"\n}'
    find(browser, "button[value=dismiss]").click()

    press(browser, "Dismiss")
    assert find(browser, ".errorlist").text == "Say why."
    assert QuarantinedRecord.objects.get().state == "open"

    find(browser, "textarea[name=reason]").send_keys("Garbage.")
    press(browser, "Dismiss")

    assert messages(browser) == ["1 dismissed."]
    record.refresh_from_db()
    assert (record.state, record.decided_by, record.decision_reason) == ("dismissed", moderator, "Garbage.")


def test_operator_retries_a_jump_and_sees_the_price(browser: Chrome, site: str, log_in: LogIn) -> None:
    record = held_back()
    log_in(Role.OPERATOR)
    browser.get(f"{site}/admin/markets/quarantinedrecord/")
    choose(browser, "retry")
    assert "coingecko bitcoin: implausible_jump" in find(browser, ".ask-reason li").text
    find(browser, "textarea[name=reason]").send_keys("It was redenominated.")
    press(browser, "Retry")

    assert messages(browser) == ["1 accepted."]
    assert AuditEntry.objects.about(record).verbs() == ["markets.quarantine.accepted"]
    browser.get(f"{site}/admin/markets/asset/{Asset.objects.get().pk}/change/")
    assert find(browser, "table.quote tbody td").text == "100,000.00 USD"


def test_operator_sets_a_price_by_hand(browser: Chrome, site: str, log_in: LogIn, bitcoin: Asset) -> None:
    log_in(Role.OPERATOR)
    browser.get(f"{site}/admin/markets/asset/{bitcoin.pk}/change/")
    browser.find_element(By.PARTIAL_LINK_TEXT, "SET PRICE BY HAND").click()
    find(browser, "input[name=price]").send_keys("4970.79")
    find(browser, "textarea[name=reason]").send_keys("The provider is broken.")
    find(browser, "input[name=_save]").click()

    assert "BTC (bitcoin): 4970.79 USD until" in messages(browser)[0]
    assert Quote.objects.select_related("source").get().source.name == "manual"
    browser.get(f"{site}/admin/markets/asset/{bitcoin.pk}/change/")
    assert "The provider is broken." in find(browser, ".override").text


def test_simulated_market_says_so_on_every_page(browser: Chrome, site: str, log_in: LogIn) -> None:
    market.mark_simulated(Simulation(seed=1, assets=2, days=3, end=NOON.date()), at=NOON)
    log_in(Role.MODERATOR)

    for page in ("", "markets/asset/", "markets/quarantinedrecord/"):
        browser.get(f"{site}/admin/{page}")
        assert SIMULATED_BANNER in find(browser, ".band").text
