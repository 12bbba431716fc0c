import sys

import pytest
from absl import flags

from experiments.common.run import repeated_flag


@pytest.mark.parametrize(
  ("arguments", "value", "everything"),
  [
    ([], "none", ["none"]),
    (["--flagfile=F"], "file", ["file"]),
    (["--flagfile=F", "--data=a"], "a", ["a"]),
    (["--flagfile=F", "--data", "a", "-data=b"], "b", ["a", "b"]),
    (["--data=a", "--data=b"], "b", ["a", "b"]),
  ],
)
def test_last_value_counts_and_typed_ones_replace_the_flagfiles(
  tmp_path, monkeypatch, arguments, value, everything
):
  (tmp_path / "f").write_text("--data=file\n")
  argv = ["program", *(a.replace("=F", f"={tmp_path / 'f'}") for a in arguments)]
  monkeypatch.setattr(sys, "argv", argv)
  values = flags.FlagValues()
  flags.DEFINE_string("flagfile", None, "", flag_values=values)
  flags.DEFINE_flag(repeated_flag.Repeated("data", "none", ""), values)
  values(argv)
  assert values.data == value
  assert values["data"].all() == everything
