"""Writes and draws the agreement of distances with judgements."""

import numpy as np

from experiments.common import results, tables
from experiments.common.drawing import diagrams, panels
from experiments.twoafc import agreement, table_1


def write(settings, subsets, distances, measures, folder):
  """Writes rows in the form of Table 1, and the figure `scores.png`.

  Of generated triplets, it also draws examples, and how far the strong distortions are.

  Args:
    settings: `Settings`.
    subsets: list of `bapps.Subset`.
    distances: `{subset: {label: (2, n)}}`, see `measure.measure`.
    measures: list of measures.
    folder: path of the run folder.
  """
  human = settings.data_dir is not None
  labels = [label for one in measures for label in one.labels.values()]
  # As in the paper: all nets under one distance, then under the next.
  labels = sorted(labels, key=_group)
  layout = table_1.columns([subset.name for subset in subsets])
  scores = table_1.averages(_scores(subsets, distances, labels, human), layout)
  about = {
    "data": "validation set of BAPPS" if human else "generated triplets",
    "human": human,
    "seed": settings.seed,
    "triplets": {s.name: len(s) for s in subsets},
    # The contextual loss is exactly 0 in float32 for very small distortions.
    "ties": {
      label: {s.name: int(np.sum(np.equal(*distances[s.name][label]))) for s in subsets}
      for label in labels
    },
    "skipped": [line for s in subsets for line in s.bad],
    "weights": {one.name: one.remark for one in measures if one.remark},
  }
  figures = {"scores": _draw_scores(scores, human)}
  text = f"Agreement in %{', ours/paper' if human else ''}:\n{table_1.text(scores)}"
  if not human:
    strengths = _strengths(distances, labels, layout)
    about["strong_over_blur"] = strengths
    figures["strengths"] = _draw_strengths(strengths)
    figures["examples"] = _draw_examples(subsets)
    text += (
      "\nMean distance of the strong distortion, over that of the strong blur:\n"
      + tables.text([{"distance": k, **ratios} for k, ratios in strengths.items()])
    )
  rows = [{"distance": label, **by_title} for label, by_title in scores.items()]
  results.write(folder, rows, about=about, figures=figures, text=text)


def _scores(subsets, distances, labels, human):
  """`{row: {subset: share}}`."""
  scores = {}
  if human:
    scores["Human"] = {s.name: agreement.human(s.judges) for s in subsets}
  for label in labels:
    scores[label] = {
      s.name: agreement.score(s.judges, *distances[s.name][label]) for s in subsets
    }
  return scores


def _strengths(distances, labels, layout):
  """Returns how far each strong distortion is, in units of the strong blur."""
  strong = {
    label: {
      name: float(np.mean(np.max(by_label[label], axis=0)))
      for name, by_label in distances.items()
    }
    for label in labels
  }
  single = {title: names[0] for title, names in layout.items() if len(names) == 1}
  return {
    label: {title: by_name[name] / by_name["blur"] for title, name in single.items()}
    for label, by_name in strong.items()
  }


def _draw_scores(scores, human):
  titles = list(next(iter(scores.values())))
  paper = {row: {t: table_1.paper_value(row, t) for t in titles} for row in scores}
  return diagrams.dots(
    list(scores),
    titles,
    scores,
    paper if human else None,
    [_group(row) for row in scores],
    "agreement in %" + (", hollow: paper" if human else " with the known answers"),
    chance=50,
  )


def _draw_strengths(strengths):
  return diagrams.dots(
    list(strengths),
    list(next(iter(strengths.values()))),
    strengths,
    None,
    [_group(label) for label in strengths],
    "mean distance of the strong distortion, over that of the strong blur",
    ticks=(0.1, 1, 10),
  )


def _draw_examples(subsets):
  """One triplet a column: reference, weak and strong distortion."""
  triplets = []
  for i, subset in enumerate(subsets):
    i %= len(subset)  # another photograph for each
    reference, p0, p1 = next(subset.batches(1, i))[:, 0]
    pair = (p1, p0) if subset.judges[i] else (p0, p1)
    triplets.append([image.repeat(3, 0).repeat(3, 1) for image in (reference, *pair)])
  rows = [list(row) for row in zip(*triplets, strict=True)]
  return panels.grid(rows, [subset.name for subset in subsets])


def _group(label):
  """Ranks low level, nets with L2, nets with CX, LPIPS, people."""
  kinds = {" L2": 1, " CX": 2, " LPIPS": 3, "Human": 4}
  return next((kind for end, kind in kinds.items() if label.endswith(end)), 0)
