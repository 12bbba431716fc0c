"""Surface normals from a photograph with the contextual loss (paper, section 5.2).

Trains a cascaded refinement network on the paper's objective,

  L_CX + 0.1 |blur(G(s)) - blur(y)|^2 + lambdaL1 |G(s) - y|_1
                                                  (supplementary, 1.2),

L_CX over 5 x 5 patches of the normal map and conv1_2 and conv2_2 of VGG19, and
measures angular errors on held-out pictures.

  python -m experiments.normals --flagfile=normals.flags        # the paper, on NYU v2
  python -m experiments.normals --flagfile=normals_l1_0.flags   # without the L1 term
  python -m experiments.normals --flagfile=normals_quick.flags  # minutes, no download
  python -m experiments.normals --flagfile=normals.flags --data=FOLDER \\
      --intrinsics=585,585,320,240
  python -m experiments.normals --mode=evaluate --weights=NETWORK.keras \\
      --data=motorcycle
  python -m experiments.normals --mode=predict --weights=NETWORK.keras \\
      --input=PHOTO --output=NORMALS.png
  tensorboard --logdir=runs

Without a flagfile, `normals_quick.flags` is read. Normals are unit vectors, x to the
right, y up, z towards the viewer, and in pictures (n + 1) / 2.
"""

import pathlib

import keras
from absl import flags

import cxloss
from experiments.common import data, loss_flags, networks, tables
from experiments.common.run import (
  app,
  device_flags,
  devices,
  logs,
  run_folder,
  training,
)
from experiments.common.run import flags as run_flags
from experiments.normals import data as normals
from experiments.normals import evaluate as normals_evaluation
from experiments.normals import flags as normals_flags
from experiments.normals import predict as normals_prediction
from experiments.normals import validation
from experiments.normals.data import batches
from models import crn

# What each phase leaves in the run folder.
_NETWORKS = {"l1": "network_l1.keras", "ours": "network.keras"}

flags.adopt_module_key_flags(run_flags)
flags.adopt_module_key_flags(device_flags)
flags.adopt_module_key_flags(loss_flags)
flags.adopt_module_key_flags(normals_flags)


def main():
  normals_flags.check()
  if normals_flags.MODE.value == "predict":
    predict()
  elif normals_flags.MODE.value == "evaluate":
    evaluate()
  else:
    train()


def predict():
  network = networks.load_crn(normals_flags.weights_path())
  if normals_flags.INPUT.value:
    normals_prediction.predict_files(
      network,
      normals_flags.INPUT.value,
      normals_flags.OUTPUT.value,
      normals_flags.REDUCE.value,
      normals_flags.FORMAT.value,
    )
  else:
    source = _source(normals_flags.DATA.value, "validation")
    normals_prediction.predict_views(
      network, source, normals_flags.OUTPUT.value, normals_flags.FORMAT.value
    )


def evaluate():
  path = normals_flags.weights_path()
  network = networks.load_crn(path)
  source = _source(normals_flags.DATA.value, "validation")
  folder = pathlib.Path(run_flags.OUTPUT_DIR.value) / "evaluation"
  folder.mkdir(parents=True, exist_ok=True)
  _report(folder, source, {path.stem: network})


def train():
  source, held_out = sources()
  # All is set up before the run folder, so that what is missing leaves no trace.
  with devices.current().scope():
    if normals_flags.INITIAL.value:
      initial = normals_flags.INITIAL
      network = networks.load_crn(initial.value, f"--{initial.name}")
    else:
      network = crn.crn(
        normals_flags.HEIGHT.value,
        normals_flags.WIDTH.value,
        normals_flags.DIVISOR.value,
      )
    phases = _phases(network, _steps_per_epoch(source))
  folder = app.open_run()
  trained = {}
  for name, (model, epochs) in phases.items():
    _fit(model, name, epochs, source, held_out, folder)
    if devices.is_chief():
      training.save_model(network, folder / _NETWORKS[name])
      trained[name] = networks.load_crn(folder / _NETWORKS[name])
  if devices.is_chief():
    _report(folder, held_out, trained)


def _phases(network, steps_per_epoch):
  """Dict from a name to a compiled model and its epochs."""
  phases = {}
  if normals_flags.PRETRAIN_EPOCHS.value:
    l1 = crn.NormalEstimator(network, lambda_cx=0.0, lambda_lf=0.0)
    rate = normals_flags.PRETRAIN_RATE.value or normals_flags.RATE.value
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
      [3 * steps_per_epoch * normals_flags.PRETRAIN_EPOCHS.value // 4],
      [rate, rate / 10],
    )
    l1.compile(keras.optimizers.Adam(schedule))
    phases["l1"] = l1, normals_flags.PRETRAIN_EPOCHS.value
  if normals_flags.EPOCHS.value:
    phases["ours"] = _estimator(network), normals_flags.EPOCHS.value
  return phases


def _fit(model, phase, epochs, source, held_out, folder):
  settings = (
    source,
    normals_flags.HEIGHT.value,
    normals_flags.WIDTH.value,
    normals_flags.BATCH.value,
    run_flags.SEED.value,
  )
  pictures = data.Subset(
    held_out, range(min(normals_flags.PICTURES.value, len(held_out)))
  )
  training.fit(
    model,
    lambda step, context: batches.training_batches(
      *settings, start=step, context=context
    ),
    steps_per_epoch=_steps_per_epoch(source),
    epochs=epochs,
    backup=folder / "backup" / f"{phase}.weights.h5",
    every=normals_flags.BACKUP.value,
    callbacks=_callbacks(folder, phase, pictures, epochs) if devices.is_chief() else [],
    verbose=2 if app.quiet() else 1,
  )


def _callbacks(folder, phase, pictures, epochs):
  return [
    validation.NormalsValidation(
      folder, phase, pictures, normals_flags.VALIDATE.value, epochs
    ),
    logs.Logger(folder, phase),
  ]


def _steps_per_epoch(source):
  return normals_flags.STEPS.value or max(len(source) // normals_flags.BATCH.value, 1)


def _estimator(network):
  """The phase on the paper's objective."""
  contextual = None
  if normals_flags.CX.value:
    contextual = loss_flags.contextual(
      [
        cxloss.PatchFeatures(normals_flags.PATCH.value, normals_flags.STRIDE.value),
        loss_flags.vgg(loss_flags.LAYERS),
      ]
    )
  low_frequency = loss_flags.low_frequency()
  weights = normals_flags.CX.value, normals_flags.LF.value, normals_flags.L1.value
  model = crn.NormalEstimator(network, contextual, low_frequency, *weights)
  model.compile(keras.optimizers.Adam(normals_flags.RATE.value))
  return model


def sources():
  """The training source and the held-out one."""
  size = normals_flags.HEIGHT.value, normals_flags.WIDTH.value
  source = _source(normals_flags.DATA.value, "train", least=size)
  if normals_flags.VALIDATION_DATA.value:
    return source, _source(normals_flags.VALIDATION_DATA.value, "validation")
  if normals_flags.DATA.value in normals.SPLIT:
    return source, _source(normals_flags.DATA.value, "validation")
  return data.hold_out(source)


def _source(name, split, least=(1, 1)):
  return normals.load(
    name,
    split,
    size=(normals_flags.HEIGHT.value, normals_flags.WIDTH.value),
    seed=run_flags.SEED.value,
    factor=normals_flags.REDUCE.value,
    least=least,
    intrinsics=normals_flags.intrinsics(),
    depth_scale=normals_flags.DEPTH_SCALE.value,
    flip=normals_flags.FLIP.value,
  )


def _report(folder, source, trained):
  """Prints and writes the table, and the panels of the last network."""
  mean = normals_evaluation.mean_normal(source)
  results = {"mean normal": normals_evaluation.evaluate(mean, source)[0]}
  for name, network in trained.items():
    predict = normals_evaluation.predictor(network)
    results[name], panels = normals_evaluation.evaluate(
      predict, source, normals_flags.PICTURES.value
    )
  run_folder.write_json(folder / "evaluation.json", results)
  for name, panel in zip(source.names, panels, strict=False):
    data.images.write_png(folder / "panels" / f"{name}.png", panel)
  pictures = tables.counted(len(source), "picture")
  print(f"Angular errors in degrees, shares of pixels in %; {pictures}:")
  print(normals_evaluation.table(results))
  print(f"Panels: {folder / 'panels'}")


if __name__ == "__main__":
  app.run(
    main,
    "normals",
    default_flagfile="normals_quick.flags",
    set_up=device_flags.set_up,
  )
