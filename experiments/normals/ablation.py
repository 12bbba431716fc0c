"""Compares the terms of the normals' objective: L1, CX, and both.

Trains three networks that start from the same one, on the same pictures and seeds, with
the settings of `experiments.normals`, and prints their errors in one table:

  L1        lambda_L1 alone
  CX        L_CX and the low-frequency error, the paper's lambda_L1 = 0
  CX + L1   all three terms, the paper's lambda_L1 = 1

  python -m experiments.normals.ablation --flagfile=normals_quick.flags

They start together from the network of the `--pretrain_epochs` on L1. Each network is a
run in a folder of its own, RUN/start, RUN/l1, RUN/cx and RUN/cx_l1; RUN holds the table
(`metrics.json`) and panels with all of them. The same command again goes on where it
was stopped.
"""

import dataclasses

from experiments.common import results
from experiments.common.run import app, devices, options, process
from experiments.common.run.errors import UserError
from experiments.normals import evaluate, train
from experiments.normals.data import sources
from experiments.normals.settings import TrainSettings

# Weights that differ from those of the flags.
_VARIANTS = {
  "L1": {"lambda_cx": 0.0, "lambda_lf": 0.0, "lambda_l1": 1.0},
  "CX": {"lambda_l1": 0.0},
  "CX + L1": {"lambda_l1": 1.0},
}


def prepare(settings):
  """Opens the data; returns what `run` takes."""
  for name in ("epochs", "lambda_cx"):
    if not options.values_of(settings)[name]:
      raise UserError(f"--{name} must be positive here. Received: 0")
  return settings, sources.load_both(settings.data, settings.validation_data)


def run(prepared, folder):
  """Trains the networks, each as a run of its own, and writes their errors."""
  settings, both_sources = prepared

  def train_in(name, settings):
    process.run_within(
      "normals", lambda s: train.prepare(s, both_sources), settings, folder / name
    )

  if settings.pretrain_epochs:
    train_in("start", dataclasses.replace(settings, epochs=0))
    start = str(folder / "start" / train.FILE)
    network = dataclasses.replace(settings.network, initial_weights=start)
    settings = dataclasses.replace(settings, pretrain_epochs=0, network=network)
  for name, weights in _VARIANTS.items():
    objective = dataclasses.replace(settings.objective, **weights)
    train_in(
      _folder(folder, name).name, dataclasses.replace(settings, objective=objective)
    )
  if devices.is_chief():
    _report(folder, both_sources[1], settings.validation_images)


def _report(folder, source, count):
  """Writes the rows of the variants' own reports, and panels with all of them."""
  rows, predictors = [], {}
  for name in _VARIANTS:
    run = _folder(folder, name)
    mean_normal, own = results.read(run)["rows"]
    rows += [] if rows else [mean_normal]
    rows.append({**own, "method": name})
    predictors[name] = evaluate.predictor(evaluate.load(run / train.FILE))
  for i in range(min(count, len(source))):
    maps = {name: predict(source[i].image) for name, predict in predictors.items()}
    evaluate.save(folder, i, source.names[i], source[i], maps)
  evaluate.write(rows, len(source), folder)


def _folder(folder, name):
  return folder / name.lower().replace(" + ", "_")


if __name__ == "__main__":
  app.main(
    "normals.ablation",
    app.Command(TrainSettings, run, prepare=prepare),
    default_flagfile="normals_quick.flags",
  )
