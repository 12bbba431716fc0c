"""The report as a browser shows it: headless Chromium, opened from the file system."""

import json
import shutil

import numpy as np
import pytest

from experiments.report import page as report_page
from tests.experiments.report import example_runs

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is missing")
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

_PHONE, _DESK = 360, 1280
_FLAGS = (
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
)


@pytest.fixture(scope="module", name="page")
def _page(tmp_path_factory):
  """A page of two runs, and of one that is not finished, as a file's address."""
  base = tmp_path_factory.mktemp("report of runs")
  for name in ("sr", "toy2d"):
    getattr(example_runs, name)(base / "runs" / name)
  example_runs.start(base / "runs" / "a_name_as_long_as_names_of_runs_get", "sr")
  text, _, _ = report_page.assemble([str(base / "runs")])
  path = base / "report.html"
  path.write_text(text, "utf-8")
  return path.as_uri()


@pytest.fixture(scope="module", name="driver")
def _driver(tmp_path_factory):
  chromium = shutil.which("chromium") or shutil.which("google-chrome")
  chromedriver = shutil.which("chromedriver")
  if not chromium or not chromedriver:
    pytest.skip("needs Chromium and chromedriver (Debian: chromium-driver)")
  options = webdriver.ChromeOptions()
  options.binary_location = chromium
  for flag in (*_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
    options.add_argument(flag)
  options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
  driver = webdriver.Chrome(options=options, service=Service(chromedriver))
  yield driver
  driver.quit()


def _open(driver, page, width, **media):
  driver.get("about:blank")
  driver.get_log("browser"), driver.get_log("performance")
  driver.execute_cdp_cmd(
    "Emulation.setDeviceMetricsOverride",
    {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
  )
  features = [
    {"name": name.replace("_", "-"), "value": value} for name, value in media.items()
  ]
  driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
  driver.get(page)


def _shown(driver):
  """The labels of the pictures of the scene that can be seen."""
  ones = driver.find_elements(By.CSS_SELECTOR, "#sr .scene .one")
  return [one.text for one in ones if one.is_displayed()]


def test_all_pictures_load_and_nothing_is_asked_of_the_network(driver, page):
  _open(driver, page, _DESK)
  widths = driver.execute_async_script("""
    const pictures = [...document.images], done = arguments[0];
    Promise.allSettled(pictures.map((one) => one.decode())).then(
      () => done(pictures.map((one) => one.naturalWidth)));
  """)
  assert len(widths) == 4 and min(widths) > 0
  assert driver.get_log("browser") == []
  events = [json.loads(e["message"])["message"] for e in driver.get_log("performance")]
  asked = [
    event["params"]["request"]["url"]
    for event in events
    if event["method"] == "Network.requestWillBeSent"
  ]
  assert page in asked
  assert [url for url in asked if url != page and not url.startswith("data:")] == []


def test_arrow_keys_choose_which_picture_of_a_scene_is_seen(driver, page):
  _open(driver, page, _DESK)
  assert _shown(driver) == ["HR"]
  first = driver.find_element(By.CSS_SELECTOR, "#sr .choices input")
  driver.execute_script("arguments[0].focus()", first)
  first.send_keys(Keys.ARROW_RIGHT)
  assert _shown(driver) == ["mse"]
  assert driver.switch_to.active_element.accessible_name == "mse"


def test_pictures_lie_side_by_side_without_scripts(driver, page):
  driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
  try:
    _open(driver, page, _DESK)
    assert _shown(driver) == ["HR", "mse", "ours"]
    assert not driver.find_elements(By.CSS_SELECTOR, ".choices")
  finally:
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.parametrize("width", [_PHONE, _DESK])
def test_only_boxes_scroll_sideways(driver, page, width):
  _open(driver, page, width)
  driver.execute_script(
    "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
  )
  sizes = driver.execute_script("""
    return [document.documentElement.scrollWidth, innerWidth,
      [...document.querySelectorAll("body *")].filter((one) =>
        !one.closest(".scroll") && one.getBoundingClientRect().right > innerWidth + 1
      ).map((one) => one.outerHTML.slice(0, 80))];
  """)
  assert sizes[0] <= width and sizes[1] == width and sizes[2] == []


def test_commands_are_copied_whole(driver, page):
  _open(driver, page, _PHONE)
  copied = driver.execute_script("""
    getSelection().selectAllChildren(document.querySelector("#twoafc .command"));
    return getSelection().toString();
  """)
  command = "python -m experiments.twoafc --flagfile=twoafc.flags --data_dir=BAPPS/2afc"
  assert copied.strip() == command


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_in_both_schemes(driver, page, scheme):
  _open(driver, page, _DESK, prefers_color_scheme=scheme)
  colours = driver.execute_script("""
    const of = (selector, name) =>
      getComputedStyle(document.querySelector(selector))[name].match(/[\\d.]+/g);
    const texts = "p,.note,nav a,small,.shown,.shown-weakly,.contradicted,.not-run";
    return [of("html", "backgroundColor"),
      texts.split(",").map((one) => of(one, "color"))];
  """)
  page_colour = _luminance(colours[0])
  assert (page_colour < 0.1) == (scheme == "dark")
  for colour in colours[1]:
    low, high = sorted((page_colour, _luminance(colour)))
    assert (high + 0.05) / (low + 0.05) >= 4.5  # WCAG 2, level AA


def _luminance(rgb):
  values = np.array([float(value) for value in rgb[:3]]) / 255
  linear = np.where(
    values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4
  )
  return float(linear @ [0.2126, 0.7152, 0.0722])
