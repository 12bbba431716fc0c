"""The files that describe the package agree with each other."""

import pathlib
import re

import cxloss

_ROOT = pathlib.Path(__file__).parents[1]


def _read(name):
  return (_ROOT / name).read_text()


def test_version_is_that_of_the_citation_and_the_changelog():
  assert f"\nversion: {cxloss.__version__}\n" in _read("CITATION.cff")
  assert re.search(r"^## (\S+)", _read("CHANGELOG.md"), re.M)[1] == cxloss.__version__


def test_linter_before_commits_is_that_of_the_tests():
  [pinned] = re.findall(r'"(ruff==[^"]+)"', _read("setup.py"))
  found = re.findall(r"\[(ruff==[^]]+)\]", _read(".pre-commit-config.yaml"))
  assert found and set(found) == {pinned}


def test_workflow_runs_every_python_of_the_classifiers():
  classified = set(re.findall(r'Python :: (3\.\d+)"', _read("setup.py")))
  workflow = _read(".github/workflows/ci.yml")
  listed = re.search(r"python: \[(.+)\]", workflow)[1]
  assert set(re.findall(r"[\d.]+", listed)) == classified
  lowest = re.search(r'python_requires=">=([\d.]+)"', _read("setup.py"))[1]
  assert f'python: "{lowest}"\n            constraints' in workflow
