"""Flags of every run: where it lies, its seed, whether it starts anew."""

import dataclasses

from absl import flags

from experiments.common.run import flag_checks

OUTPUT_DIR = flags.DEFINE_string(
  "output_dir",
  None,
  "Run folder. The same command again resumes what lies there. Defaults to "
  "runs/<name of the flagfile, or else of the experiment>.",
)
SEED = flags.DEFINE_integer(
  "seed", 0, "Fixes all random numbers.", lower_bound=0, upper_bound=2**32 - 1
)
OVERWRITE = flags.DEFINE_bool(
  "overwrite", False, "Delete an earlier run in --output_dir and start anew."
)
DETERMINISTIC = flags.DEFINE_bool(
  "deterministic",
  None,
  "Whether the same command gives the same bits, however often it is cut off. By "
  "default only without a GPU: there it costs a few per cent of the time.",
)
flag_checks.folder(OUTPUT_DIR)


def read(settings, values=flags.FLAGS, **given):
  """Builds a dataclass of settings from the flags that its fields are called after.

  Args:
    settings: the dataclass. Lists become tuples.
    values: `flags.FlagValues`. Defaults to the command line's.
    **given: fields that are no flags, or whose value differs from the flag's.
  """
  names = [f.name for f in dataclasses.fields(settings) if f.name not in given]
  read = {name: values[name].value for name in names}
  read = {n: tuple(v) if isinstance(v, list) else v for n, v in read.items()}
  return settings(**read, **given)
