"""A real Chromium without a window, as tests and the script for the pictures drive it."""

import contextlib
import pathlib
import sys

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "system"))

DESKTOP, PHONE = (1280, 900), (360, 740)
# A container has no sandbox for root and little shared memory.
FLAGS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars",
         "--force-color-profile=srgb")


@contextlib.contextmanager
def browser(size=DESKTOP, dark=False, scale=1):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    try:
        resize(driver, size, scale)
        scheme = "dark" if dark else "light"
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia",
                               {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        yield driver
    finally:
        driver.quit()


def resize(driver, size, scale=1):
    width, height = size
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 500})


def text(driver, selector):
    """Of the first element that fits; empty if there is none."""
    return driver.execute_script("return document.querySelector(arguments[0])?.textContent ?? ''", selector)


def texts(driver, selector):
    return driver.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((node) => node.textContent)", selector)


def complaints(driver):
    """What the browser has written to its console: errors of scripts, what the policy forbade."""
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
