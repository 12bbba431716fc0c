"""The documentation: its code runs, its numbers repeat, its site has no broken link.

Marked slow, since the code does not depend on them; `.ci/run` runs them.
"""

import importlib.util
import os
import pathlib
import re
import subprocess
import sys
from html import parser
from urllib import parse

import numpy as np
import pytest

_ROOT = pathlib.Path(__file__).parents[1]
_DOCS = _ROOT / "docs"
# The page of other backends is run by tests/cxloss/backend/test_page.py.
_PAGES = sorted(
  path
  for path in _DOCS.rglob("*.md")
  if "```python" in path.read_text() and path.name != "backends.md"
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.stem)
def test_python_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  text, names = page.read_text(), {}
  blocks = list(re.finditer(r"```python\n(.*?)```", text, re.DOTALL))
  assert len(blocks) == text.count("```python")  # none is passed over
  for match in blocks:
    # So that a traceback names the line of the page.
    lines = "\n" * text.count("\n", 0, match.start(1))
    exec(compile(lines + match[1], str(page), "exec"), names)


@pytest.mark.parametrize(
  ("name", "corner", "rows"),
  [("features", "h = 0.1", 6), ("networks", "x4, h = 0.1", 2)],
)
def test_table_of_values_repeats(name, corner, rows):
  spec = importlib.util.spec_from_file_location("_", _DOCS / "tools" / "magnitudes.py")
  magnitudes = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(magnitudes)
  made = magnitudes.table(name, magnitudes.make_features(containing="block3_conv3"))
  page = (_DOCS / "guide" / "values.md").read_text()
  printed = _column(page, corner, "VGG16 block3_conv3")
  again = _column(made, corner, "VGG16 block3_conv3")
  assert printed.keys() == again.keys() and len(printed) >= rows
  for label, value in again.items():
    np.testing.assert_allclose(printed[label], value, atol=0.02, err_msg=label)


def test_site_builds_strictly_and_its_links_hold(tmp_path):
  pytest.importorskip("mkdocs_jupyter", reason="needs the extra `docs`")
  site = tmp_path / "site"
  command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", site]
  # mkdocs-jupyter caches beside the configuration, which may be read-only.
  done = subprocess.run(
    command,
    cwd=_ROOT,
    env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
  pages = {path: _Page(path) for path in site.rglob("*.html")}
  assert len(pages) > 15
  broken = [
    f"{path.relative_to(site)}: {link}"
    for path, page in pages.items()
    if path.name != "404.html"  # its links are absolute, for servers
    for link in page.links
    if not _holds(path, link, pages)
  ]
  assert not broken


def _column(text, corner, heading):
  """The numbers of one column of a Markdown table by their rows' labels."""
  lines = text[text.index(f"| {corner} |") :].split("\n\n")[0].splitlines()
  rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
  column = rows[0].index(heading)
  return {
    row[0]: [float(n) for n in re.findall(r"[\d.]+", row[column])] for row in rows[2:]
  }


class _Page(parser.HTMLParser):
  """What a page links to, and the anchors that it has."""

  def __init__(self, path):
    super().__init__()
    self.links, self.anchors = [], set()
    self.feed(path.read_text())

  def handle_starttag(self, tag, attributes):
    attributes = dict(attributes)
    self.links += [attributes[k] for k in ("href", "src") if attributes.get(k)]
    self.anchors.update(attributes[k] for k in ("id", "name") if attributes.get(k))


def _holds(path, link, pages):
  url = parse.urlsplit(link)
  if url.scheme or url.netloc:
    return url.scheme in ("https", "mailto", "data")
  target = (path.parent / parse.unquote(url.path)).resolve() if url.path else path
  if target.is_dir():
    target /= "index.html"
  if not target.is_file():
    return False
  return not url.fragment or target not in pages or _anchored(pages[target], url)


def _anchored(page, url):
  return parse.unquote(url.fragment) in page.anchors or url.fragment.startswith("__")
