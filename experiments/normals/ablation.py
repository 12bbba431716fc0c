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

import keras

from experiments.common import results
from experiments.common.run import app, devices
from experiments.common.run.errors import UserError
from experiments.normals import evaluate, train
from experiments.normals import flags as normals_flags
from experiments.normals.data import sources

# Weights that differ from those of the flags.
_VARIANTS = {
  "L1": {"lambda_cx": 0.0, "lambda_lf": 0.0, "lambda_l1": 1.0},
  "CX": {"lambda_l1": 0.0},
  "CX + L1": {"lambda_l1": 1.0},
}


def main():
  settings = normals_flags.train_settings()
  for name, value in (
    ("epochs", settings.epochs),
    ("lambda_cx", settings.objective and settings.objective.lambda_cx),
  ):
    if not value:
      raise UserError(f"--{name} must be positive here. Received: 0")
  app.check_run()
  both_sources = sources.load_both(settings.data, settings.validation_data)
  folder = app.open_run()
  if settings.pretrain_epochs:
    start = dataclasses.replace(settings, epochs=0, objective=None)
    _train(start, both_sources, folder / "start")
    network = dataclasses.replace(
      settings.network, initial_weights=folder / "start" / train.FILE
    )
    settings = dataclasses.replace(settings, pretrain_epochs=0, network=network)
  for name, weights in _VARIANTS.items():
    objective = dataclasses.replace(settings.objective, **weights)
    variant = dataclasses.replace(settings, objective=objective)
    _train(variant, both_sources, _folder(folder, name))
  if devices.is_chief():
    _report(folder, both_sources[1], settings.validation_images)


def _train(settings, both_sources, folder):
  """Trains as a process of its own would: same names, same random numbers."""
  # Written when all is trained: a folder that has it is finished.
  if not (folder / results.FILE).exists():
    print(f"== {folder}", flush=True)
    policy = keras.config.dtype_policy()
    keras.utils.clear_session()
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(settings.seed)
    train.prepare(settings, both_sources).run(folder)
  # The next network may start from the file of this one.
  devices.wait_for_all()


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
  normals_flags.define(modes=())
  app.run(main, "normals.ablation", default_flagfile="normals_quick.flags")
