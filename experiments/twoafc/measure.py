"""Measures triplets, resumably, and reports what was found.

A subset's distances lie in `distances/SUBSET.npz`: arrays `(2, n)` by row label, of p0
and p1, and `names`. The file is rewritten, whole, every minute.
"""

import time
import zipfile

import numpy as np
import tensorflow as tf

from experiments.common.data import images
from experiments.common.drawing import diagrams, panels
from experiments.common.run import files, run_folder, training
from experiments.common.run.errors import UserError
from experiments.twoafc import agreement, bapps, table

_SAVE_SECONDS = 60.0


def rank(paths, measures):
  """Prints the distances of one triplet of image files, and which is nearer."""
  triplet = bapps.check_triplet([images.read_rgb(path) for path in paths])
  print(f"{'distance':<14} {'p0':>10} {'p1':>10}  nearer")
  for one in measures:
    for label, (d0, d1) in one(np.stack(triplet)[:, None]).items():
      nearer = "tie" if d0[0] == d1[0] else "p0" if d0[0] < d1[0] else "p1"
      print(f"{label:<14} {d0[0]:>10.5f} {d1[0]:>10.5f}  {nearer}")


def measure(subsets, measures, folder, batch_size):
  """Distances of all triplets.

  Args:
    subsets: list of `bapps.Subset`.
    measures: list of measures, see `experiments.twoafc.distances`.
    folder: the run folder.
    batch_size: triplets at once.

  Returns:
    `{subset: {label: (2, n)}}`.

  Raises:
    StoppedError: after an interrupt, what was measured being saved.
  """
  (folder / "distances").mkdir(exist_ok=True)
  clocks = {one.name: _Clock() for one in measures}
  result = {}
  for subset in subsets:
    result[subset.name] = _measure_subset(subset, measures, folder, batch_size, clocks)
  _print_speed(clocks, folder)
  return result


def _measure_subset(subset, measures, folder, batch_size, clocks):
  path = folder / "distances" / f"{subset.name}.npz"
  labels = [label for one in measures for label in one.labels.values()]
  parts = _load(path, subset, labels)
  done = _count(parts)
  if done == len(subset):
    return _join(parts)
  writer = tf.summary.create_file_writer(str(folder / "tensorboard" / subset.name))
  saved = time.monotonic()
  try:
    for batch in subset.batches(batch_size, done):
      found = {}
      for one in measures:
        with clocks[one.name].count(batch.shape):
          found.update(one(batch))
      parts.append(found)
      if time.monotonic() - saved > _SAVE_SECONDS:
        saved = time.monotonic()
        _save(path, subset, parts, writer)
        print(f"{subset.name}: {_count(parts)} of {len(subset)}", flush=True)
  except KeyboardInterrupt:
    if parts:
      _save(path, subset, parts, writer)
    raise training.StoppedError(
      f"stopped at triplet {_count(parts)} of {len(subset)} of {subset.name}"
    ) from None
  _save(path, subset, parts, writer)
  print(f"{subset.name}: {len(subset)} triplets", flush=True)
  return _join(parts)


def report(subsets, found, measures, folder, human):
  """Prints and writes the table and the figures.

  Args:
    subsets: list of `bapps.Subset`.
    found: of `measure`.
    measures: list of measures.
    folder: the run folder.
    human: whether people judged the triplets.
  """
  names = [subset.name for subset in subsets]
  labels = [label for one in measures for label in one.labels.values()]
  # As in the paper: all nets under one distance, then under the next.
  groups = {label: _group(label) for label in labels}
  labels = sorted(labels, key=groups.get)
  scores = {}
  if human:
    scores["Human"] = {s.name: agreement.human(s.judges) for s in subsets}
  for label in labels:
    scores[label] = {
      s.name: agreement.score(s.judges, *found[s.name][label]) for s in subsets
    }
  layout = table.columns(names)
  means = table.averages(scores, layout)
  print(f"\nAgreement in %{', ours/paper' if human else ''}:")
  print(table.text(means))
  record = {
    "scores": scores,
    "columns": means,
    "triplets": {s.name: len(s) for s in subsets},
    # The contextual loss is exactly 0 in float32 for very small distortions.
    "ties": {
      label: {name: int(np.sum(np.equal(*found[name][label]))) for name in names}
      for label in labels
    },
    "skipped": [line for s in subsets for line in s.bad],
    "weights": {one.name: one.remark for one in measures if one.remark},
  }
  paper = {
    row: {title: table.paper_value(row, title) for title in layout} for row in means
  }
  figure = diagrams.dots(
    list(means),
    list(layout),
    means,
    paper if human else None,
    [groups.get(row, 4) for row in means],
    "agreement in %" + (", hollow: paper" if human else " with the known answers"),
    chance=50,
  )
  images.write_png(folder / "scores.png", figure)
  if not human:
    record["strong_over_blur"] = _report_strengths(subsets, found, labels, folder)
    _write_examples(subsets, folder)
  run_folder.write_json(folder / "scores.json", record)
  files.write_text(folder / "scores.csv", table.csv_text(means))
  print(f"\nScores and figures: {folder}")


def _report_strengths(subsets, found, labels, folder):
  """How far each strong distortion is, in units of the strong blur."""
  strong = {
    label: {
      s.name: float(np.mean(np.max(found[s.name][label], axis=0))) for s in subsets
    }
    for label in labels
  }
  ratios = {
    label: {name: value / by_name["blur"] for name, value in by_name.items()}
    for label, by_name in strong.items()
  }
  names = list(next(iter(ratios.values())))
  print("\nMean distance of the strong distortion, over that of the strong blur:")
  width = max(map(len, labels))
  print(" ".join([" " * width, *(f"{name:>9}" for name in names)]))
  for label in labels:
    cells = (f"{ratios[label][name]:>9.2f}" for name in names)
    print(" ".join([f"{label:<{width}}", *cells]))
  figure = diagrams.dots(
    labels,
    names,
    ratios,
    None,
    [_group(label) for label in labels],
    "mean distance of the strong distortion, over that of the strong blur",
    ticks=(0.1, 1, 10),
  )
  images.write_png(folder / "strengths.png", figure)
  return ratios


def _write_examples(subsets, folder):
  """One triplet a column: reference, weak and strong distortion."""
  triplets = []
  for i, subset in enumerate(subsets):
    i %= len(subset)  # another photograph for each
    reference, p0, p1 = next(subset.batches(1, i))[:, 0]
    pair = (p1, p0) if subset.judges[i] else (p0, p1)
    triplets.append([image.repeat(3, 0).repeat(3, 1) for image in (reference, *pair)])
  rows = [list(row) for row in zip(*triplets, strict=True)]
  panel = panels.grid(rows, [subset.name for subset in subsets])
  images.write_png(folder / "examples.png", panel)


def _group(label):
  """Low level, net with L2, net with CX, LPIPS."""
  kinds = {" L2": 1, " CX": 2, " LPIPS": 3}
  return next((kind for end, kind in kinds.items() if label.endswith(end)), 0)


class _Clock:
  """Times batches; the first of a shape, which TensorFlow compiles, is left out."""

  def __init__(self):
    self.seconds, self.triplets = 0.0, 0
    self._shapes = set()

  def count(self, shape):
    self._current = shape
    return self

  def __enter__(self):
    self._start = time.perf_counter()

  def __exit__(self, *_):
    if self._current in self._shapes:
      self.seconds += time.perf_counter() - self._start
      self.triplets += self._current[1]
    self._shapes.add(self._current)


def _print_speed(clocks, folder):
  rates = {
    name: clock.triplets / clock.seconds
    for name, clock in clocks.items()
    if clock.triplets
  }
  for name, rate in rates.items():
    hours = 36344 / rate / 3600
    print(f"{name}: {rate:.1f} triplets per second; all of BAPPS takes {hours:.2f} h")
  if rates:
    run_folder.write_json(folder / "speed.json", {"triplets_per_second": rates})


def _load(path, subset, labels):
  """What an earlier run measured, as a list of parts."""
  if not path.exists():
    return []
  try:
    with np.load(path, allow_pickle=False) as data:
      arrays = {name: data[name] for name in data.files}
  except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
    raise UserError(f"--output_dir has a damaged {path}: {error}") from error
  names = arrays.pop("names").tolist()
  if names != subset.names[: len(names)] or sorted(arrays) != sorted(labels):
    raise UserError(
      f"--output_dir has distances of other triplets in {path}. Choose another "
      "folder, or start anew with --overwrite"
    )
  return [arrays]


def _save(path, subset, parts, writer):
  found = _join(parts)
  done = _count(parts)
  with files.replacing(path) as partial:
    np.savez(partial, names=np.array(subset.names[:done]), **found)
  with writer.as_default(done):
    for label, pair in found.items():
      score = agreement.score(subset.judges[:done], *pair)
      tf.summary.scalar(f"agreement/{label.replace(' ', '_')}", score)
  writer.flush()


def _join(parts):
  return {
    label: np.concatenate([part[label] for part in parts], axis=1) for label in parts[0]
  }


def _count(parts):
  return sum(next(iter(part.values())).shape[1] for part in parts)
