"""A flag that some modes take once, others several times."""

import re
import sys

from absl import flags


class Repeated(flags.Flag):
  """A string flag, for `flags.DEFINE_flag`, whose last value counts, as of others.

  Args:
    name: of the flag.
    default: string.
    help_string: shown by `--help`.
  """

  def __init__(self, name, default, help_string):
    self._given = []
    parser, serializer = flags.ArgumentParser(), flags.ArgumentSerializer()
    super().__init__(parser, serializer, name, default, help_string)

  def parse(self, argument):
    super().parse(argument)
    self._given.append(argument)

  def all(self):
    """List of the values typed, or else those of flagfiles, or else the default."""
    pattern = rf"--?{self.name}(=.*)?"
    typed = sum(bool(re.fullmatch(pattern, a, re.DOTALL)) for a in sys.argv[1:])
    # What is typed after a flagfile takes its place, as of other flags.
    return self._given[-typed:] or [self.value]
