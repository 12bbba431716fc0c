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


def test_flags_are_defined_in_one_place_and_read_at_the_border_alone():
  def mentioning(pattern):
    return {path for path in _FILES if re.search(pattern, path.read_text())}

  defining = mentioning(r"\bflags\.DEFINE")
  assert [_name(path) for path in defining] == ["experiments.common.run.flags"]
  reading = mentioning(r"\bFLAGS\b|sys\.argv")
  assert not [_name(path) for path in reading if not _is_border(path)]


def _is_border(path):
  return (
    _name(path).startswith("experiments.common.run.")
    or path.stem in ("flags", "__main__")
    or re.search(r"app\.run\(\s*main", path.read_text()) is not None
  )


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
