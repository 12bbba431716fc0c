"""Surface normals from a photograph with the contextual loss (paper, section 5.2).

Trains a cascaded refinement network on the paper's objective,

  L_CX + 0.1 |blur(G(s)) - blur(y)|^2 + lambda_L1 |G(s) - y|_1
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
from experiments import (
  app,
  callbacks,
  data,
  devices,
  loss_flags,
  networks,
  normals_evaluation,
  normals_prediction,
  normals_validation,
  run_folder,
  training,
)
from experiments.data import normals
from experiments.data.normals import batches
from models import crn

# What each phase leaves in the run folder.
_NETWORKS = {"l1": "network_l1.keras", "ours": "network.keras"}

flags.adopt_module_key_flags(app)
flags.adopt_module_key_flags(devices)
flags.adopt_module_key_flags(loss_flags)
flags.set_default(loss_flags.LAYERS, ["block1_conv2", "block2_conv2"])
flags.set_default(loss_flags.POINTS, 65 * 65)
_MODE = flags.DEFINE_enum(
  "mode",
  "train",
  ["train", "evaluate", "predict"],
  "train: then evaluate. evaluate: angular errors of --weights on --data. predict: "
  "normal maps of --input, or of the pictures of --data.",
)
_DATA = flags.DEFINE_string(
  "data",
  "scenes",
  "scenes (procedural), nyu, motorcycle (one picture), or a folder of photographs with "
  "depth images or normal maps.",
)
_VALIDATION_DATA = flags.DEFINE_string(
  "validation_data",
  None,
  "Held-out pictures, like --data. By default the validation split of --data, or the "
  "last tenth of a folder.",
)
_WEIGHTS = flags.DEFINE_string(
  "weights",
  None,
  "A network's .keras file. evaluate and predict: the one to use, by default the run's "
  "own. train: the one to start from.",
)
_INPUT = flags.DEFINE_string("input", None, "predict: an image file or a folder.")
_OUTPUT = flags.DEFINE_string(
  "output", None, "predict: a file if --input is one, or else a folder."
)
_FORMAT = flags.DEFINE_enum(
  "format",
  "png",
  ["png", "npy"],
  "predict: 8-bit colours (n + 1) / 2, or float32 vectors.",
)

_INTRINSICS = flags.DEFINE_list(
  "intrinsics", None, "fx,fy,cx,cy in pixels of the camera of a folder's depth images."
)
_DEPTH_SCALE = flags.DEFINE_float(
  "depth_scale", 1000.0, "Units per metre of a folder's depth images.", 1e-6
)
_FLIP = flags.DEFINE_string(
  "flip",
  "",
  "Axes, of xyz, along which a folder's normal maps point the other way than here (x "
  "to the right, y up, z towards the viewer).",
)
_REDUCE = flags.DEFINE_integer(
  "reduce",
  1,
  "Reduce pictures by this factor, averaging over blocks; not procedural scenes.",
  lower_bound=1,
)

_HEIGHT = flags.DEFINE_integer("height", 480, "Of the network's images.", lower_bound=4)
_WIDTH = flags.DEFINE_integer("width", 640, "Of the network's images.", lower_bound=4)
_DIVISOR = flags.DEFINE_integer(
  "width_divisor", 1, "Divides the network's numbers of channels.", lower_bound=1
)
_BATCH = flags.DEFINE_integer(
  "batch_size", 1, "Pictures a step, all replicas together.", lower_bound=1
)
PRETRAIN_EPOCHS = flags.DEFINE_integer(
  "pretrain_epochs",
  0,
  "Epochs on the mean absolute error alone beforehand; not in the paper.",
  lower_bound=0,
)
_EPOCHS = flags.DEFINE_integer(
  "epochs", 200, "Epochs on the whole objective.", lower_bound=0
)
_STEPS = flags.DEFINE_integer(
  "steps_per_epoch",
  None,
  "Steps of an epoch. By default, as many as see every picture once.",
  lower_bound=1,
)
_RATE = flags.DEFINE_float("learning_rate", 1e-4, "Of Adam.", lower_bound=0.0)
_PRETRAIN_RATE = flags.DEFINE_float(
  "pretrain_learning_rate",
  None,
  "The same for --pretrain_epochs, where it is divided by 10 for the last quarter; by "
  "default --learning_rate.",
  lower_bound=0.0,
)

_CX = flags.DEFINE_float("lambda_cx", 1.0, "Weight of the contextual loss.", 0.0)
_LF = flags.DEFINE_float("lambda_lf", 0.1, "Weight of the low-frequency error.", 0.0)
_L1 = flags.DEFINE_float("lambda_l1", 1.0, "Weight of the mean absolute error.", 0.0)
_PATCH = flags.DEFINE_integer("patch_size", 5, "Side of the patches of normals.", 1)
_STRIDE = flags.DEFINE_integer("patch_stride", 2, "Step between the patches.", 1)

_BACKUP = flags.DEFINE_integer(
  "backup_every", 200, "Steps between backups.", lower_bound=1
)
_VALIDATE = flags.DEFINE_integer(
  "validate_every", 5, "Epochs between validations.", lower_bound=1
)
PICTURES = flags.DEFINE_integer(
  "validation_images",
  16,
  "Pictures for validation while training, and panels at its end.",
  lower_bound=1,
)


def main():
  if _MODE.value == "predict":
    predict()
  elif _MODE.value == "evaluate":
    evaluate()
  else:
    train()


def predict():
  if not _OUTPUT.value:
    raise ValueError("--mode=predict needs --output")
  network = networks.load_crn(_weights_path())
  if _INPUT.value:
    normals_prediction.predict_files(
      network, _INPUT.value, _OUTPUT.value, _REDUCE.value, _FORMAT.value
    )
  else:
    source = _source(_DATA.value, "validation")
    normals_prediction.predict_views(network, source, _OUTPUT.value, _FORMAT.value)


def evaluate():
  path = _weights_path()
  network = networks.load_crn(path)
  source = _source(_DATA.value, "validation")
  folder = pathlib.Path(app.OUTPUT_DIR.value) / "evaluation"
  folder.mkdir(parents=True, exist_ok=True)
  _report(folder, source, {path.stem: network})


def train():
  if not PRETRAIN_EPOCHS.value + _EPOCHS.value:
    raise ValueError("--epochs must be positive where --pretrain_epochs is 0")
  devices.check_batch(_BATCH.value)
  source, held_out = sources()
  # All is set up before the run folder, so that what is missing leaves no trace.
  with devices.strategy().scope():
    if _WEIGHTS.value:
      network = networks.load_crn(_WEIGHTS.value)
    else:
      network = crn.crn(_HEIGHT.value, _WIDTH.value, _DIVISOR.value)
    phases = _phases(network, _steps_per_epoch(source))
  with devices.open_run() as folder:
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
  if PRETRAIN_EPOCHS.value:
    l1 = crn.NormalEstimator(network, lambda_cx=0.0, lambda_lf=0.0)
    rate = _PRETRAIN_RATE.value or _RATE.value
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
      [3 * steps_per_epoch * PRETRAIN_EPOCHS.value // 4], [rate, rate / 10]
    )
    l1.compile(keras.optimizers.Adam(schedule))
    phases["l1"] = l1, PRETRAIN_EPOCHS.value
  if _EPOCHS.value:
    phases["ours"] = _estimator(network), _EPOCHS.value
  return phases


def _fit(model, phase, epochs, source, held_out, folder):
  settings = (source, _HEIGHT.value, _WIDTH.value, _BATCH.value, app.SEED.value)
  pictures = data.Part(held_out, 0, PICTURES.value)
  training.fit(
    model,
    lambda step, context: batches.training_batches(
      *settings, start=step, context=context
    ),
    steps_per_epoch=_steps_per_epoch(source),
    epochs=epochs,
    backup=folder / "backup" / f"{phase}.weights.h5",
    every=_BACKUP.value,
    callbacks=_callbacks(folder, phase, pictures, epochs) if devices.is_chief() else [],
    verbose=2 if app.quiet() else 1,
  )


def _callbacks(folder, phase, pictures, epochs):
  return [
    normals_validation.NormalsValidation(
      folder, phase, pictures, _VALIDATE.value, epochs
    ),
    callbacks.Logger(folder, phase),
  ]


def _steps_per_epoch(source):
  return _STEPS.value or max(len(source) // _BATCH.value, 1)


def _estimator(network):
  """The phase on the paper's objective."""
  contextual = None
  if _CX.value:
    contextual = loss_flags.contextual(
      [
        cxloss.PatchFeatures(_PATCH.value, _STRIDE.value),
        loss_flags.vgg(loss_flags.LAYERS),
      ]
    )
  low_frequency = loss_flags.low_frequency()
  weights = _CX.value, _LF.value, _L1.value
  model = crn.NormalEstimator(network, contextual, low_frequency, *weights)
  model.compile(keras.optimizers.Adam(_RATE.value))
  return model


def sources():
  """The training source and the held-out one."""
  size = _HEIGHT.value, _WIDTH.value
  source = _source(_DATA.value, "train", least=size)
  if _VALIDATION_DATA.value:
    return source, _source(_VALIDATION_DATA.value, "validation")
  if _DATA.value in normals.SPLIT:
    return source, _source(_DATA.value, "validation")
  return data.hold_out(source)


def _source(name, split, least=(1, 1)):
  if set(_FLIP.value) - set("xyz"):
    raise ValueError(f"--flip must be of the letters xyz. Received: {_FLIP.value!r}")
  return normals.load(
    name,
    split,
    size=(_HEIGHT.value, _WIDTH.value),
    seed=app.SEED.value,
    factor=_REDUCE.value,
    least=least,
    intrinsics=_intrinsics(),
    depth_scale=_DEPTH_SCALE.value,
    flip=_FLIP.value,
  )


def _intrinsics():
  if _INTRINSICS.value is None:
    return None
  try:
    intrinsics = normals.Intrinsics(*map(float, _INTRINSICS.value))
  except (TypeError, ValueError):
    intrinsics = None
  if intrinsics is None or not (intrinsics.fx > 0 and intrinsics.fy > 0):
    raise ValueError(
      "--intrinsics must be four numbers fx,fy,cx,cy, the first two positive. "
      f"Received: {','.join(_INTRINSICS.value)}"
    )
  return intrinsics


def _weights_path():
  return pathlib.Path(
    _WEIGHTS.value or pathlib.Path(app.OUTPUT_DIR.value) / "network.keras"
  )


def _report(folder, source, trained):
  """Prints and writes the table, and the panels of the last network."""
  mean = normals_evaluation.mean_normal(source)
  results = {"mean normal": normals_evaluation.evaluate(mean, source)[0]}
  for name, network in trained.items():
    predict = normals_evaluation.predictor(network)
    results[name], panels = normals_evaluation.evaluate(predict, source, PICTURES.value)
  run_folder.write_json(folder / "evaluation.json", results)
  for name, panel in zip(source.names, panels, strict=False):
    data.images.write_png(folder / "panels" / f"{name}.png", panel)
  print(f"Angular errors in degrees, shares of pixels in %; {len(source)} pictures:")
  print(normals_evaluation.table(results))
  print(f"Panels: {folder / 'panels'}")


if __name__ == "__main__":
  app.run(
    main,
    "normals",
    default_flagfile="normals_quick.flags",
    set_up=devices.set_up,
  )
