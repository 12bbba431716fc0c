"""Two-alternative forced choice (supplementary, table 1).

Which of two distorted patches is closer to a reference? Compares the answers of
distances with those of people, on the validation set of BAPPS: pixel distances (L2,
SSIM, FSIMc), features of SqueezeNet, AlexNet and VGG16 under L2 and under the
contextual loss, and, not in the paper's table, LPIPS.

  python -m experiments.twoafc --flagfile=twoafc_quick.flags   # embedded, no people
  python -m experiments.twoafc --flagfile=twoafc.flags \\
      --data_dir=BAPPS/2afc --weights_dir=WEIGHTS              # the paper's table
  python -m experiments.twoafc --nets=alex --distances=l2,cx,lpips \\
      --weights_dir=WEIGHTS --triplet=ref.png,p0.png,p1.png    # one triplet

WEIGHTS holds alexnet_imagenet.npz, vgg16_imagenet.npz, squeezenet_imagenet.npz, as
`python -m cxloss.convert` writes them, and for LPIPS lpips_lin_NET.npz.
Without --data_dir a small set is generated whose answers are known: see
`experiments/twoafc/generated_triplets.py`.

Scores are in %: the mean over triplets of the share of people who agree with the
distance; a tie counts one half. The run folder holds `distances/`, one file a subset,
from which a stopped run goes on, `metrics.json` and figures.
"""

import dataclasses
import os
import pathlib

import numpy as np

from experiments.common import results, tables
from experiments.common.drawing import diagrams, panels
from experiments.common.run import app, checks
from experiments.common.run.options import option, seed
from experiments.twoafc import bapps, distances, generated_triplets, measure, table_1
from experiments.twoafc.distances import DISTANCES, LOW_LEVEL, NETS, CxSettings

_CHANCE = 50  # agreement in % of guessing
_RATIOS = (0.1, 1, 10)  # marked on the logarithmic axis


def _folder(path):
  if not pathlib.Path(path).is_dir():
    raise ValueError(f"must be a folder. Received: {path}")
  return path


def _triplet(paths):
  if len(paths) != 3 or not all(map(os.path.isfile, paths)):
    raise ValueError(f"must be three files, REF,P0,P1. Received: {','.join(paths)}")
  return tuple(paths)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
  """Describes the triplets and the distances that judge them.

  `data_dir` is `None` for generated triplets, `weights_dir` where no folder is named;
  `triplet` is `None`, or the files of the only triplet to judge.
  """

  data_dir: str | None = option(
    None,
    "Folder of the unpacked BAPPS validation archive (it holds val/). By default, a "
    "small generated set without human judgements.",
    checks.NOT_EMPTY,
    convert=_folder,
  )
  subsets: tuple[str, ...] = option(
    bapps.SUBSETS, "Subsets of --data_dir to use.", checks.NOT_EMPTY
  )
  skip_bad: bool = option(
    False, "Leave broken triplets of --data_dir out, and name them."
  )
  limit: int | None = option(
    None,
    "Use the first so many triplets of each subset of --data_dir only.",
    lower=1,
  )
  triplets: int = option(
    40, "Triplets to generate of each distortion, without --data_dir.", lower=1
  )
  triplet: tuple[str, ...] | None = option(
    None,
    "REF,P0,P1: print the distances of these images, and stop.",
    convert=_triplet,
  )
  nets: tuple[str, ...] = option(
    ("vgg_front",),
    "Networks whose features are compared: any of squeeze, alex, vgg, and vgg_front "
    "(the bundled conv1_2 to conv3_3).",
    checks.some_of(NETS, least=0),
  )
  distances: tuple[str, ...] = option(
    ("l2", "cx"),
    "Distances of the --nets' features: any of l2, cx, lpips.",
    checks.some_of(DISTANCES, least=0),
  )
  low_level: tuple[str, ...] = option(
    tuple(LOW_LEVEL),
    "Distances of pixels: any of l2, ssim, fsimc, or empty.",
    checks.some_of(LOW_LEVEL, least=0),
    flag="lowlevel",
  )
  weights_dir: str | None = option(
    None,
    "Folder of the weights files. Defaults to the environment's CXLOSS_WEIGHTS_DIR.",
    checks.NOT_EMPTY,
    convert=_folder,
  )
  cx: CxSettings = dataclasses.field(default_factory=CxSettings)
  batch_size: int = option(32, "Triplets at once.", lower=1)
  seed: int = seed()


def prepare(settings):
  if not settings.weights_dir:
    folder = os.environ.get("CXLOSS_WEIGHTS_DIR")
    settings = dataclasses.replace(settings, weights_dir=folder)
  measures, subsets = distances.measures(settings), None
  if settings.triplet is not None:
    measure.rank(settings.triplet, measures)
    return None
  if settings.data_dir is not None:
    subsets = bapps.open_subsets(
      settings.data_dir, settings.subsets, settings.skip_bad, settings.limit
    )
  return settings, measures, subsets


def run(prepared, folder):
  settings, measures, subsets = prepared
  if subsets is None:
    print("Generated triplets with known answers: a test of sanity, not human data")
    subsets = generated_triplets.open_subsets(folder / "data", settings)
  values = measure.measure(subsets, measures, folder, settings.batch_size)
  write(settings, subsets, values, measures, folder)


def write(settings, subsets, values, measures, folder):
  """Writes rows in the form of Table 1, and the figure `scores.png`.

  Of generated triplets, it also draws examples, and how far the strong distortions are.
  `values` are those of `measure.measure`.
  """
  human = settings.data_dir is not None
  labels = [label for one in measures for label in one.labels.values()]
  # As in the paper: all nets under one distance, then under the next.
  labels = sorted(labels, key=_group)
  layout = table_1.columns([subset.name for subset in subsets])
  scores = table_1.averages(_scores(subsets, values, labels, human), layout)
  about = {
    "data": "validation set of BAPPS" if human else "generated triplets",
    "human": human,
    "seed": settings.seed,
    "triplets": {s.name: len(s) for s in subsets},
    # The contextual loss is exactly 0 in float32 for very small distortions.
    "ties": {
      label: {s.name: int(np.sum(np.equal(*values[s.name][label]))) for s in subsets}
      for label in labels
    },
    "skipped": [line for s in subsets for line in s.bad],
    "weights": {one.name: one.remark for one in measures if one.remark},
  }
  figures = {"scores": _draw_scores(scores, human)}
  text = f"Agreement in %{', ours/paper' if human else ''}:\n{table_1.text(scores)}"
  if not human:
    strengths = _strengths(values, labels, layout)
    about["strong_over_blur"] = strengths
    figures["strengths"] = _draw_strengths(strengths)
    figures["examples"] = _draw_examples(subsets)
    text += (
      "\nMean distance of the strong distortion, over that of the strong blur:\n"
      + tables.text([{"distance": k, **ratios} for k, ratios in strengths.items()])
    )
  rows = [{"distance": label, **by_title} for label, by_title in scores.items()]
  results.write(folder, rows, about=about, figures=figures, text=text)


def _scores(subsets, values, labels, human):
  """`{row: {subset: share}}`."""
  scores = {}
  if human:
    scores["Human"] = {s.name: measure.human(s.judges) for s in subsets}
  for label in labels:
    scores[label] = {
      s.name: measure.score(s.judges, *values[s.name][label]) for s in subsets
    }
  return scores


def _strengths(values, labels, layout):
  """Returns how far each strong distortion is, in units of the strong blur."""
  strong = {
    label: {
      name: float(np.mean(np.max(by_label[label], axis=0)))
      for name, by_label in values.items()
    }
    for label in labels
  }
  single = {title: names[0] for title, names in layout.items() if len(names) == 1}
  return {
    label: {title: by_name[name] / by_name["blur"] for title, name in single.items()}
    for label, by_name in strong.items()
  }


def _draw_scores(scores, human):
  titles = next(iter(scores.values()))
  paper = {row: {t: table_1.paper_value(row, t) for t in titles} for row in scores}
  label = "agreement in %" + (", hollow: paper" if human else " with the known answers")
  drawn, axes = _dots(scores, label, paper if human else None)
  for axis in axes:
    axis.axvline(_CHANCE, color="0.6", linewidth=1, linestyle="--")
  return diagrams.render(drawn)


def _draw_strengths(strengths):
  label = "mean distance of the strong distortion, over that of the strong blur"
  drawn, axes = _dots(strengths, label)
  for axis in axes:
    axis.set_xscale("log")
    axis.set_xticks(_RATIOS, [f"{ratio:g}" for ratio in _RATIOS])
    axis.set_xticks([], minor=True)
  return diagrams.render(drawn)


def _dots(values, label, hollow=None):
  """Draws `{row: {title: number or None}}`: a panel a title, a line a row."""
  titles = list(next(iter(values.values())))
  width, height = 1.35 + 1.6 / len(titles), 1.1 + 0.27 * len(values)
  drawn, (axes,) = diagrams.figure(
    1, len(titles), width, height, sharex=True, sharey=True
  )
  for axis, title in zip(axes, titles, strict=True):
    for y, row in enumerate(values):
      colour = diagrams.COLOURS[_group(row) % len(diagrams.COLOURS)]
      if hollow and hollow[row][title] is not None:
        axis.plot(hollow[row][title], y, "o", ms=7, mfc="none", mec=colour)
      if values[row][title] is not None:
        axis.plot(values[row][title], y, "o", ms=4, color=colour)
    axis.set_title(title, fontsize=9)
    axis.grid(axis="both", color="0.9", linewidth=0.8)
    axis.set_axisbelow(True)
    axis.tick_params(labelsize=8, length=0)
    axis.spines[["top", "right", "left"]].set_visible(False)
  axes[0].set_yticks(range(len(values)), list(values))
  axes[0].set_ylim(len(values) - 0.5, -0.5)
  drawn.supxlabel(label, fontsize=9)
  return drawn, axes


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


if __name__ == "__main__":
  app.main("twoafc", app.Command(Settings, run, prepare=prepare))
