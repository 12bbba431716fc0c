import importlib
import importlib.metadata

import pytest

from experiments.common.run import startup


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
  monkeypatch.setattr(startup, "PACKAGES", ("no_such_one",))
  with pytest.raises(ModuleNotFoundError, match=r"need no_such_one\. .*-e"):
    importlib.import_module("no_such_one")
  with pytest.raises(ModuleNotFoundError, match="No module named 'nor_this'"):
    importlib.import_module("nor_this")


def test_all_packages_of_the_extra_are_looked_for():
  marker = 'extra == "experiments"'
  required = [
    line for line in importlib.metadata.requires("cxloss") if line.endswith(marker)
  ]
  assert len(startup.PACKAGES) == len(required)
