"""A real browser before the product's pages, served from a database of the test's own."""

import shutil
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from accounts.actions import role_groups
from accounts.models import User
from accounts.roles import Role
from config.wsgi import application
from tests.accounts.factories import PASSWORD, UserFactory
from tests.support.cluster import Login

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--window-size=1400,1000",
)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """One browser for all tests; `browser` gives it without anybody's cookies."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("Chromium or its chromedriver is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    browser.implicitly_wait(5)
    yield browser
    browser.quit()


@pytest.fixture
def site(committed_db: Login, settings: Any) -> Iterator[str]:
    """The address of the product, served from the database of this test."""
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
    server.set_app(application)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    role_groups.sync()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def browser(chromium: webdriver.Chrome, site: str) -> Iterator[webdriver.Chrome]:
    """Nobody is signed in; a script that fails or a file that is missing fails the test."""
    chromium.get(f"{site}/livez")
    chromium.delete_all_cookies()
    chromium.get_log("browser")
    yield chromium
    complaints = [
        entry["message"]
        for entry in chromium.get_log("browser")
        if entry["level"] == "SEVERE" and "/favicon.ico" not in entry["message"]
    ]
    assert complaints == []


LogIn = Callable[[Role], User]


@pytest.fixture
def log_in(browser: webdriver.Chrome, site: str) -> LogIn:
    """Sign in to the admin site as a new person of some role, by typing."""

    def log_in(role: Role) -> User:
        person = UserFactory.create(role=role)
        browser.get(f"{site}/admin/login/?next=/admin/")
        browser.find_element(By.NAME, "username").send_keys(person.username)
        browser.find_element(By.NAME, "password").send_keys(PASSWORD)
        browser.find_element(By.CSS_SELECTOR, "input[type=submit]").click()
        # Only the answer has one of these: going on before it has come would leave without the session.
        browser.find_element(By.CSS_SELECTOR, "#user-tools, .errornote, [name=step]")
        return person

    return log_in
