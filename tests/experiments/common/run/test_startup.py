import importlib.metadata

import pytest

from experiments.common.run import startup


def test_missing_packages_are_named_with_the_command_that_installs_them():
  with pytest.raises(ModuleNotFoundError, match=r"need no_such_one, nor_this\. .*-e"):
    startup.check_packages(("numpy", "no_such_one", "nor_this"))


def test_all_packages_of_the_extra_are_looked_for():
  marker = 'extra == "experiments"'
  required = [
    line for line in importlib.metadata.requires("cxloss") if line.endswith(marker)
  ]
  assert len(startup.PACKAGES) == len(required)
