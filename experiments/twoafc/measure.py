"""Measures the distances of triplets, and their agreement with human judgements.

A subset's distances lie in `distances/SUBSET.npz`: arrays `(2, n)` by row label, of p0
and p1, `names`, and `weights`, digests of the networks' files. The file is rewritten,
whole, every minute, and a run that was stopped goes on from it.

Reference: Zhang et al., "The Unreasonable Effectiveness of Deep Features as a
Perceptual Metric", CVPR 2018, section 2.2 (two-alternative forced choice).
"""

import time
import zipfile

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from experiments.common.data import images
from experiments.common.run import files, logs
from experiments.common.run.errors import StoppedError, UserError
from experiments.twoafc import bapps

_SAVE_SECONDS = 60.0
_RECORDS = ("names", "weights")  # beside the distances


def rank(paths, measures):
  """Prints the distances of one triplet of image files, and which is nearer."""
  triplet = bapps.check_triplet([images.read_rgb(path) for path in paths])
  print(f"{'distance':<14} {'p0':>10} {'p1':>10}  nearer")
  for one in measures:
    for label, (d0, d1) in one(np.stack(triplet)[:, None]).items():
      nearer = "tie" if d0[0] == d1[0] else "p0" if d0[0] < d1[0] else "p1"
      print(f"{label:<14} {d0[0]:>10.5f} {d1[0]:>10.5f}  {nearer}")


def measure(subsets, measures, folder, batch_size):
  """Measures the distances of all triplets.

  Args:
    subsets: list of `bapps.Subset`.
    measures: list of measures, see `experiments.twoafc.distances`.
    folder: path of the run folder.
    batch_size: triplets at once.

  Returns:
    `{subset: {label: (2, n)}}`.

  Raises:
    StoppedError: after an interrupt; the distances measured until then are saved.
  """
  (folder / "distances").mkdir(exist_ok=True)
  return {s.name: _measure_subset(s, measures, folder, batch_size) for s in subsets}


def score(judges, d0, d1):
  """Returns the share of people who agree with a distance's choice, in [0, 1].

  Args:
    judges: `(n,)`, share of people for whom `p1` was closer.
    d0: `(n,)`, distance of `p0` from the reference.
    d1: `(n,)`, distance of `p1`. A tie counts one half.

  Raises:
    UserError: if a distance is not a number.
  """
  judges, d0, d1 = (np.asarray(v, np.float64) for v in (judges, d0, d1))
  broken = np.count_nonzero(np.isnan(d0) | np.isnan(d1))
  if broken:
    raise UserError(f"Distances must be numbers. Received: {broken} that are not")
  tie = d0 == d1
  return float(np.mean(judges * (d1 < d0) + (1 - judges) * (d0 < d1) + 0.5 * tie))


def human(judges):
  """Returns how many people agree with a random other, `mean p^2 + (1 - p)^2`."""
  judges = np.asarray(judges, np.float64)
  return float(np.mean(judges**2 + (1 - judges) ** 2))


def _measure_subset(subset, measures, folder, batch_size):
  path = folder / "distances" / f"{subset.name}.npz"
  labels = [label for one in measures for label in one.labels.values()]
  weights = [digest for one in measures for digest in one.weights]
  parts = _load(path, subset, labels, weights)
  done = _count(parts)
  if done == len(subset):
    return _join(parts)
  writer = logs.writer(folder, subset.name)
  saved = time.monotonic()
  with tqdm(total=len(subset), initial=done, desc=subset.name, disable=None) as bar:
    try:
      for batch in subset.batches(batch_size, done):
        parts.append({k: v for one in measures for k, v in one(batch).items()})
        bar.update(batch.shape[1])
        if time.monotonic() - saved > _SAVE_SECONDS:
          saved = time.monotonic()
          _save(path, subset, parts, weights, writer)
    except KeyboardInterrupt:
      raise StoppedError(
        f"stopped at triplet {_count(parts)} of {len(subset)} of {subset.name}"
      ) from None
    finally:
      if parts:
        _save(path, subset, parts, weights, writer)
  return _join(parts)


def _load(path, subset, labels, weights):
  """The distances that an earlier run has measured, as a list of parts."""
  if not path.exists():
    return []
  try:
    with np.load(path, allow_pickle=False) as data:
      arrays = {name: data[name] for name in data.files}
  except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
    raise UserError(f"--output_dir has a damaged {path}: {error}") from error
  names, digests = (arrays.pop(name, np.array([])).tolist() for name in _RECORDS)
  if (
    names != subset.names[: len(names)]
    or digests != weights
    or sorted(arrays) != sorted(labels)
  ):
    raise UserError(
      f"--output_dir has distances of other triplets or weights in {path}. Choose "
      "another folder, or start anew with --overwrite"
    )
  return [arrays]


def _save(path, subset, parts, weights, writer):
  distances = _join(parts)
  done = _count(parts)
  with files.replacing(path) as partial:
    records = zip(_RECORDS, (subset.names[:done], weights), strict=True)
    np.savez(partial, **{k: np.array(v, str) for k, v in records}, **distances)
  with writer.as_default(done):
    for label, pair in distances.items():
      agreement = score(subset.judges[:done], *pair)
      tf.summary.scalar(f"agreement/{label.replace(' ', '_')}", agreement)
  writer.flush()


def _join(parts):
  return {
    label: np.concatenate([part[label] for part in parts], axis=1) for label in parts[0]
  }


def _count(parts):
  return sum(next(iter(part.values())).shape[1] for part in parts)
