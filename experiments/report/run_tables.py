"""Rows of results as tables of strings."""

import typing

from experiments.common import tables as common_tables
from experiments.twoafc import table_1


class Table(typing.NamedTuple):
  """A table; the cells of `header` and of `rows` are strings."""

  caption: str
  header: list
  rows: list


def tables(content):
  """The tables of a run's results.

  Args:
    content: dict of `results.read`.

  Returns:
    List of `Table`: one for all rows with the same labels. Numbers are means over
    images; what they rest on (`about`) is told in the first caption.
  """
  made = []
  for rows in _alike(content["rows"]):
    rows = common_tables.means(rows)
    labels, keys = common_tables.labels(rows), common_tables.measured(rows)
    told, cell = common_tables.explanations(rows), _cell
    if "distance" in labels:
      told, cell = _agreement(rows)
    if not made:
      about = content["about"].items()
      told = [*((k, v) for k, v in about if type(v) in (str, int, float)), *told]
    made.append(
      Table(
        " ".join(f"{title}: {text}." for title, text in told),
        [*labels, *(common_tables.measure_of(key).title for key in keys)],
        [
          [*(str(row.get(k) or "") for k in labels), *(cell(row, k) for k in keys)]
          for row in rows
        ],
      )
    )
  return made


def mean_rows(rows):
  """Means over images; rows with other labels stay apart."""
  return [row for alike in _alike(rows) for row in common_tables.means(alike)]


def _alike(rows):
  """Lists of rows that have the same labels."""
  groups = {}
  for row in rows:
    groups.setdefault(tuple(common_tables.labels([row])), []).append(row)
  return list(groups.values())


def _cell(row, key):
  return common_tables.measure_of(key).text(row.get(key))


def _agreement(rows):
  """Legend of Table 1, and the function that puts the paper's value beside ours."""
  if not any(row["distance"] == "Human" for row in rows):
    legend = [("numbers", "agreement with the known answers of generated triplets, %")]
    return legend, lambda row, key: _percent(row.get(key))

  def cell(row, key):
    paper = table_1.paper_value(row["distance"], key)
    ours = _percent(row.get(key))
    return ours if paper is None else f"{ours} / {paper:.1f}"

  return [("numbers", "agreement with people, %, ours / paper")], cell


def _percent(value):
  return "-" if value is None else f"{value:.1f}"
