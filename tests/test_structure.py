"""The rules that keep the code's rooms apart, read from the imports."""

import ast
import pathlib
import re

_ROOT = pathlib.Path(__file__).parents[1]
_ROOMS = ("cxloss", "models", "experiments")
_FILES = [path for room in _ROOMS for path in sorted(_ROOT.glob(f"{room}/**/*.py"))]
# Which experiment may import from which other.
_ALLOWED = (("compare_sr", "experiments.sr"), ("report", "experiments.twoafc.table_1"))


def test_imports_run_from_experiments_over_models_to_the_library():
  order = {room: i for i, room in enumerate(_ROOMS)}
  broken = [
    f"{name} imports {imported}"
    for name, imported in _imports()
    if order.get(imported.split(".")[0], 0) > order[name.split(".")[0]]
  ]
  assert not broken


def test_common_imports_no_experiment_and_experiments_not_each_other():
  broken = [
    f"{name} imports {imported}"
    for name, imported in _imports()
    if _experiment(imported) not in (None, _experiment(name))
    and not any(
      _experiment(name) == room and f"{imported}.".startswith(f"{allowed}.")
      for room, allowed in _ALLOWED
    )
  ]
  assert not broken


def test_the_command_line_is_read_in_one_place():
  def mentioning(pattern):
    return [_name(path) for path in _FILES if re.search(pattern, path.read_text())]

  pattern = r"\bflags\.DEFINE|\bfrom absl import .*\bflags|\bFLAGS\b|\bsys\.argv"
  assert mentioning(pattern) == ["experiments.common.run.command_line"]


def _imports():
  """Pairs of a module's name and what it imports, `from a import b` as `a.b`."""
  for path in _FILES:
    for node in ast.walk(ast.parse(path.read_text())):
      if isinstance(node, ast.Import):
        yield from ((_name(path), alias.name) for alias in node.names)
      elif isinstance(node, ast.ImportFrom):
        yield from ((_name(path), f"{node.module}.{a.name}") for a in node.names)


def _name(path):
  return ".".join(path.relative_to(_ROOT).with_suffix("").parts)


def _experiment(name):
  """The experiment that a module belongs to, or `None`."""
  room, *inner = name.split(".")
  return (
    inner[0] if room == "experiments" and inner[:1] != ["common"] and inner else None
  )
