"""What runs have measured: the values that claims are judged by, and tables.

A table is `(caption, header, rows)`, all strings.
"""

import json

from experiments.common.run.errors import UserError
from experiments.report import measures
from experiments.twoafc import table


def load(entry, folder, name):
  """The JSON that a finished run wrote.

  Args:
    entry: `paper.Entry`.
    folder: `pathlib.Path` of the run.
    name: of the file by which it is finished.

  Returns:
    The object in that file; for sr `{"validation": that object, "sets": of a later
    `--mode=evaluate`}`.

  Raises:
    ValueError: if a file is no JSON object.
  """
  found = _load(folder / name)
  if entry.name != "sr":
    return found
  evaluated = folder / "evaluation" / "evaluation.json"
  sets = _load(evaluated).get("sets", {}) if evaluated.exists() else {}
  return {"validation": found, "sets": sets}


def values(entry, loaded):
  """What claims are judged by.

  Args:
    entry: `paper.Entry`.
    loaded: of `load`.

  Returns:
    `{method: {measure: mean over pictures}}`. For sr `{"validation": the same,
    "sets": {set: the same}}`. For spatial_support, toy2d and twoafc their JSON.
  """
  if entry.name == "sr":
    # The run's own network is called after its file there.
    names = {"generator": list(loaded["validation"])[-1], "generator_mse": "mse"}
    sets = {
      name: {names.get(m, m): row for m, row in _methods(found["means"]).items()}
      for name, found in loaded["sets"].items()
    }
    return {"validation": _methods(loaded["validation"]), "sets": sets}
  if entry.name in _TABLES:
    return loaded
  # Spectra have their measures, means already, beside the curves.
  return _methods(loaded.get("methods", loaded))


def tables(entry, found):
  """The tables of what `values` found."""
  return _TABLES.get(entry.name, _measured)(found)


def _load(path):
  try:
    loaded = json.loads(path.read_text())
  except ValueError as error:
    raise UserError(f"{path.name} is no JSON: {error}") from error
  if not isinstance(loaded, dict) or not loaded:
    raise UserError(f"{path.name} holds no JSON object, or an empty one")
  return loaded


def _mean(rows):
  """The measures of one method: a dict, or the means over a list of dicts.

  What is `None`, not measured, has no part in means.
  """
  if isinstance(rows, dict):
    rows = [rows]
  found = {}
  for key in rows[0]:
    numbers = [row[key] for row in rows if _is_number(row[key])]
    if numbers or rows[0][key] is None:
      found[key] = sum(numbers) / len(numbers) if numbers else None
  return found


def _is_number(value):
  return isinstance(value, int | float) and not isinstance(value, bool)


def _methods(found):
  return {name: _mean(rows) for name, rows in found.items()}


def _enlarged(found):
  return [
    *_measured(found["validation"], "validation"),
    *(t for name, rows in found["sets"].items() for t in _measured(rows, name)),
  ]


def _measured(rows, name=None):
  keys = list(dict.fromkeys(key for row in rows.values() for key in row))
  header = ["method", *map(measures.title, keys)]
  lines = [
    [name, *(measures.text(key, row.get(key)) for key in keys)]
    for name, row in rows.items()
  ]
  explained = (
    f"{measures.title(key)}: {measures.explanation(key)}"
    for key in keys
    if measures.explanation(key)
  )
  caption = "; ".join(explained)
  return [(f"{name}: {caption}" if name else caption, header, lines)]


def _support(found):
  header = ["pixel", "loss", "share", "above zero", "reach, pixels"]
  lines = [
    [
      ":".join(map(str, entry["pixel"])),
      entry["loss"],
      f"{100 * entry['share']:.2f} %",
      f"{100 * entry['share_above_zero']:.2f} %",
      str(entry["reach"]),
    ]
    for entry in found["support"]
  ]
  caption = (
    f"Share of the image whose influence on a pixel's gradient is more than "
    f"{100 * found['threshold']:g} % of the largest, and more than none"
  )
  return [(caption, header, lines)]


def _matches(found):
  lines = [
    [
      name,
      f"{row['contextual']:.2f}",
      f"{row['chamfer']:.2f}",
      str(row["points"]),
      f"{100 * row['contextual_has_more']:.0f} %",
    ]
    for name, row in found["matches"].items()
  ]
  header = ["set", "contextual", "Chamfer", "of", "contextual has more"]
  deviations = [
    [name, f"{value:.3f}"]
    for name, value in found["deviation_from_closed_form"].items()
  ]
  return [
    ("Distinct points matched, means over draws", header, lines),
    (
      "Largest deviation of the scaled curves from the closed form of the divergence",
      ["measure", "deviation"],
      deviations,
    ),
  ]


def _scores(found):
  rows = found["columns"]
  titles = list(next(iter(rows.values())))
  human = "Human" in rows
  lines = [
    [row, *(_score(row, title, cells[title], human) for title in titles)]
    for row, cells in rows.items()
  ]
  caption = "Agreement with people in %, ours / paper"
  if not human:
    caption = "Agreement with the known answers of generated triplets in %"
  return [(caption, ["distance", *titles], lines)]


def _score(row, title, value, human):
  ours = "-" if value is None else f"{value:.1f}"
  paper = table.paper_value(row, title) if human else None
  return ours if paper is None else f"{ours} / {paper:.1f}"


_TABLES = {
  "sr": _enlarged,
  "spatial_support": _support,
  "toy2d": _matches,
  "twoafc": _scores,
}
