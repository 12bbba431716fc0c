"""Compares objectives of surface normals at equal steps from one start.

Trains networks that start from the same one, on the same views, with the settings of
`experiments.normals`, and prints their measures in one table:

  L1             lambda_L1 alone
  L2             the squared error alone
  CX + L1        the paper's objective with lambda_L1 = 1
  CX             the same with lambda_L1 = 0
  CX without LF  L_CX alone, without low frequencies
  CoBi           CX with --spatial_weight=0.1, the contextual bilateral loss

  python -m experiments.normals.ablation --flagfile=normals_quick.flags --repeats=2

They start together from the network of the `--pretrain_epochs` on L1. Each network is a
run in a folder of its own, RUN/start, RUN/l1-0, ... with its seed; RUN holds the table
(`metrics.json`) and panels of the first seed. The same command again goes on where it
was stopped.
"""

import dataclasses
import re

from experiments.common import results
from experiments.common.run import app, checks, devices, process
from experiments.common.run.errors import UserError
from experiments.common.run.options import option
from experiments.normals import evaluate, predict, train
from experiments.normals.data import sources
from experiments.normals.settings import TrainSettings

# What differs from the flags.
VARIANTS = {
  "L1": {"lambda_cx": 0.0, "lambda_lf": 0.0, "lambda_l1": 1.0},
  "L2": {"lambda_cx": 0.0, "lambda_lf": 0.0, "lambda_l1": 0.0, "lambda_l2": 1.0},
  "CX + L1": {"lambda_l1": 1.0},
  "CX": {"lambda_l1": 0.0},
  "CX without LF": {"lambda_lf": 0.0, "lambda_l1": 0.0},
  "CoBi": {"lambda_l1": 0.0, "spatial_weight": 0.1},
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class AblationSettings:
  """Describes the trainings and their variants."""

  training: TrainSettings = TrainSettings()
  variants: tuple[str, ...] = option(
    tuple(VARIANTS), "Objectives to compare.", checks.some_of(VARIANTS)
  )
  repeats: int = option(1, "Trainings of each, with seeds from --seed on.", lower=1)

  def __post_init__(self):
    if not self.training.epochs or not self.training.objective.lambda_cx:
      raise UserError("--epochs and --lambda_cx must be positive here. Received: 0")


def prepare(settings):
  """Opens the data; returns what `run` takes."""
  return settings, sources.load_both(settings.training)


def run(prepared, folder):
  """Trains the networks, each as a run of its own, and writes their measures."""
  settings, both_sources = prepared
  training = settings.training

  def train_in(name, training):
    process.run_within(
      "normals", lambda s: train.prepare(s, both_sources), training, folder / name
    )

  if training.pretrain_epochs:
    train_in("start", dataclasses.replace(training, epochs=0))
    start = str(folder / "start" / train.FILE)
    training = dataclasses.replace(training, pretrain_epochs=0, initial_weights=start)
  runs = {}
  for seed in range(training.seed, training.seed + settings.repeats):
    for variant in settings.variants:
      objective = _objective(training.objective, **VARIANTS[variant])
      runs[variant, seed] = name = f"{re.sub('[ +]+', '_', variant.lower())}-{seed}"
      train_in(name, dataclasses.replace(training, objective=objective, seed=seed))
  if devices.is_chief():
    _report(folder, runs, both_sources[1])


def _objective(objective, spatial_weight=None, **weights):
  if spatial_weight is not None:
    losses = dataclasses.replace(objective.losses, spatial_weight=spatial_weight)
    weights["losses"] = losses
  return dataclasses.replace(objective, **weights)


def _report(folder, runs, source):
  """Writes the rows of the runs' own reports, and panels with all objectives."""
  rows, predictors = [], {}
  for (variant, seed), name in runs.items():
    flat, own = results.read(folder / name)["rows"]
    rows += [] if rows else [flat]
    rows.append({**own, "method": variant, "seed": str(seed)})
    if variant not in predictors:
      network = predict.load(folder / name / train.FILE)
      predictors[variant] = predict.predictor(network)
  for surface in range(min(evaluate.PANELS, len(source) // source.lights)):
    index = surface * source.lights
    example = source[index]
    maps = {name: compute(example.image) for name, compute in predictors.items()}
    evaluate.save(folder, surface, source.names[index], example, maps)
  evaluate.write(rows, source, folder)


COMMAND = app.Command(AblationSettings, run, prepare=prepare)

if __name__ == "__main__":
  app.main("normals.ablation", COMMAND, default_flagfile="normals_quick.flags")
