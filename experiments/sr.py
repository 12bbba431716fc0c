"""Super-resolution with the contextual loss (paper, section 5.1).

Trains the generator first on mean squared error, then on the paper's objective,

  0.1 L_CX + 1e-3 L_GAN + 10 |blur(G(s)) - blur(y)|^2   (supplementary, 1.1),

and compares it with bicubic interpolation on photographs held out of training.

  python -m experiments.sr --flagfile=sr.flags          # the paper, on DIV2K
  python -m experiments.sr --flagfile=sr_quick.flags    # minutes, embedded data
  python -m experiments.sr --flagfile=sr.flags --data=PHOTOS
  python -m experiments.sr --mode=evaluate --weights=GENERATOR.keras --data=PHOTOS
  python -m experiments.sr --mode=upscale --weights=GENERATOR.keras \\
      --input=PHOTO --output=LARGE.png
  tensorboard --logdir=runs

Images are RGB in [-1, 1] within the networks and uint8 outside of them.
"""

import pathlib

import keras
from absl import flags

import cxloss
from experiments import (
  app,
  callbacks,
  data,
  evaluation,
  figures,
  run_folder,
  tiling,
  training,
  upscaling,
)
from experiments.data import crops
from models import srgan

# Its other parameters, 0.9 and 0.999, are Keras' defaults.
_ADAM_EPSILON = 1e-8
# What each phase leaves in the run folder.
_GENERATORS = {"mse": "generator_mse.keras", "ours": "generator.keras"}

flags.adopt_module_key_flags(app)
_MODE = flags.DEFINE_enum(
  "mode",
  "train",
  ["train", "evaluate", "upscale"],
  "train: both phases, then evaluate. evaluate: PSNR and SSIM of --weights on "
  "--data. upscale: enlarge --input.",
)
_DATA = flags.DEFINE_string(
  "data", "samples", "samples (embedded), div2k, or a folder or glob of photographs."
)
_VALIDATION_DATA = flags.DEFINE_string(
  "validation_data",
  None,
  "Held-out photographs, like --data. By default the validation split of --data, or "
  "the last tenth of a folder.",
)
_WEIGHTS = flags.DEFINE_string(
  "weights",
  None,
  "A generator's .keras file. evaluate and upscale: the network to use, by default "
  "the run's own. train: the network to start from.",
)
_INPUT = flags.DEFINE_string("input", None, "upscale: an image file or a folder.")
_OUTPUT = flags.DEFINE_string(
  "output", None, "upscale: a .png file, or a folder if --input is one."
)

_SCALE = flags.DEFINE_integer("scale", 4, "Factor, a power of 2.", lower_bound=2)
_BLOCKS = flags.DEFINE_integer("blocks", 16, "Residual blocks of G.", lower_bound=1)
_WIDTH = flags.DEFINE_integer("width", 64, "Channels of G.", lower_bound=1)
_ICNR = flags.DEFINE_bool(
  "icnr", False, "Start G's pixel shuffles without a checkerboard; not in the paper."
)
_D_WIDTH = flags.DEFINE_integer(
  "discriminator_width", 64, "Channels of D's first layer.", lower_bound=1
)

_CROP = flags.DEFINE_integer(
  "crop_size", 384, "Side of the high-resolution crops.", lower_bound=16
)
_BATCH = flags.DEFINE_integer("batch_size", 16, "Crops a step.", lower_bound=1)
_PRETRAIN_EPOCHS = flags.DEFINE_integer(
  "pretrain_epochs", 100, "Epochs on mean squared error alone.", lower_bound=0
)
_EPOCHS = flags.DEFINE_integer(
  "epochs", 1500, "Epochs on the whole objective.", lower_bound=0
)
_STEPS = flags.DEFINE_integer(
  "steps_per_epoch",
  None,
  "Steps of an epoch. By default, as many as see every photograph once.",
  lower_bound=1,
)
_RATE = flags.DEFINE_float(
  "learning_rate",
  1e-4,
  "Of Adam, for G and D; divided by 10 half-way through the second phase.",
  lower_bound=0.0,
)

_CX = flags.DEFINE_float("lambda_cx", 0.1, "Weight of the contextual loss.", 0.0)
_GAN = flags.DEFINE_float("lambda_gan", 1e-3, "Weight of the adversarial loss.", 0.0)
_LF = flags.DEFINE_float("lambda_lf", 10.0, "Weight of the low-frequency error.", 0.0)
_MSE = flags.DEFINE_float("lambda_mse", 0.0, "Weight of the plain squared error.", 0.0)
_BLUR = flags.DEFINE_integer("blur_size", 21, "Width of the Gaussian in pixels.", 1)
_SIGMA = flags.DEFINE_float("blur_sigma", 3.0, "Its standard deviation.", 0.0)

_BACKBONE = flags.DEFINE_enum(
  "backbone", "vgg19", ["vgg16", "vgg19"], "Network of the contextual features."
)
_BACKBONE_WEIGHTS = flags.DEFINE_string(
  "backbone_weights",
  "imagenet",
  "imagenet (downloaded by Keras), bundled (vgg16 up to block3_conv3) or a file.",
)
_LAYERS = flags.DEFINE_list(
  "layers", ["block3_conv4"], "Its layers, by their Keras names."
)
_BANDWIDTH = flags.DEFINE_float("bandwidth", 0.1, "h of the contextual loss.", 0.0)
_POINTS = flags.DEFINE_integer(
  "max_points",
  None,
  "Positions of a feature map drawn at random for the contextual loss; by default "
  "all, exactly.",
  lower_bound=1,
)

_BACKUP = flags.DEFINE_integer(
  "backup_every", 200, "Steps between backups.", lower_bound=1
)
_VALIDATE = flags.DEFINE_integer(
  "validate_every", 10, "Epochs between validations.", lower_bound=1
)
_PICTURES = flags.DEFINE_integer(
  "validation_images", 8, "Photographs used for validation.", lower_bound=1
)


def main():
  if _MODE.value == "upscale":
    upscale()
  elif _MODE.value == "evaluate":
    evaluate()
  else:
    train()


def upscale():
  if not _INPUT.value or not _OUTPUT.value:
    raise ValueError("--mode=upscale needs --input and --output")
  generator = _load(_weights_path())
  upscaling.upscale_files(generator, _INPUT.value, _OUTPUT.value, _SCALE.value)


def evaluate():
  path = _weights_path()
  generator = _load(path)
  source = data.load(_DATA.value, "validation", least=4 * _SCALE.value)
  pairs = evaluation.make_pairs(source, _SCALE.value)
  folder = pathlib.Path(app.OUTPUT_DIR.value) / "evaluation"
  folder.mkdir(parents=True, exist_ok=True)
  _report(folder, pairs, {"bicubic": None, path.stem: generator})


def train():
  train_source, pairs = _sources()
  if _WEIGHTS.value:
    generator = _load(pathlib.Path(_WEIGHTS.value))
  else:
    generator = srgan.generator(_BLOCKS.value, _WIDTH.value, _SCALE.value, _ICNR.value)
  # All is set up before the run folder, so that what is missing leaves no trace.
  models = {}
  if _PRETRAIN_EPOCHS.value:
    mse = {"mse": (1.0, keras.losses.MeanSquaredError())}
    models["mse"] = srgan.SRGAN(generator, mse)
    models["mse"].compile(keras.optimizers.Adam(_RATE.value, epsilon=_ADAM_EPSILON))
  if _EPOCHS.value:
    steps = _steps_per_epoch(train_source) * _EPOCHS.value
    models["ours"] = _srgan(generator, steps)
  folder = run_folder.open_run(
    app.OUTPUT_DIR.value, app.OVERWRITE.value, app.SEED.value
  )
  print(f"Run folder: {folder}")
  networks = {"bicubic": None}
  for name, model in models.items():
    epochs = _PRETRAIN_EPOCHS.value if name == "mse" else _EPOCHS.value
    _fit(model, name, epochs, train_source, pairs, folder)
    training.save_model(generator, folder / _GENERATORS[name])
    networks[name] = _load(folder / _GENERATORS[name])
  _report(folder, pairs, networks)


def _srgan(generator, steps):
  """The second phase, on the paper's objective."""
  terms = {"mse": (_MSE.value, keras.losses.MeanSquaredError())}
  if _CX.value:
    features = cxloss.VGGFeatures(
      _LAYERS.value, _BACKBONE.value, _BACKBONE_WEIGHTS.value
    )
    terms["contextual"] = (
      _CX.value,
      cxloss.ContextualLoss(
        features, _BANDWIDTH.value, max_points=_POINTS.value, seed=app.SEED.value
      ),
    )
  terms["low_frequency"] = (
    _LF.value,
    cxloss.LowFrequencyLoss(_BLUR.value, _SIGMA.value),
  )
  discriminator = None
  if _GAN.value:
    discriminator = srgan.discriminator(_CROP.value, _D_WIDTH.value)
  model = srgan.SRGAN(generator, terms, discriminator, _GAN.value)
  model.compile(_adam(steps), _adam(steps))
  return model


def _adam(steps):
  schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
    [max(steps // 2, 1)], [_RATE.value, _RATE.value / 10]
  )
  return keras.optimizers.Adam(schedule, epsilon=_ADAM_EPSILON)


def _fit(model, phase, epochs, source, pairs, folder):
  settings = (source, _CROP.value, _SCALE.value, _BATCH.value, app.SEED.value)
  training.fit(
    model,
    lambda step: crops.training_batches(*settings, start=step),
    steps_per_epoch=_steps_per_epoch(source),
    epochs=epochs,
    backup=folder / "backup" / f"{phase}.weights.h5",
    every=_BACKUP.value,
    callbacks=[
      callbacks.Validation(
        folder,
        phase,
        pairs[: _PICTURES.value],
        callbacks.fixed_batch(*settings),
        _VALIDATE.value,
        epochs,
      ),
      callbacks.Logger(folder, phase),
    ],
    verbose=2 if app.quiet() else 1,
  )


def _steps_per_epoch(source):
  return _STEPS.value or max(len(source) // _BATCH.value, 1)


def _sources():
  """The training source and the validation pairs."""
  if _CROP.value % _SCALE.value:
    raise ValueError(
      f"--crop_size must be a multiple of --scale. Received: {_CROP.value}"
    )
  source = data.load(_DATA.value, "train", least=_CROP.value)
  if _VALIDATION_DATA.value:
    held_out = data.load(_VALIDATION_DATA.value, "validation", least=4 * _SCALE.value)
  elif _DATA.value in data.SPLIT:
    held_out = data.load(_DATA.value, "validation")
  else:
    source, held_out = data.hold_out(source)
  return source, evaluation.make_pairs(held_out, _SCALE.value)


def _weights_path():
  return pathlib.Path(
    _WEIGHTS.value or pathlib.Path(app.OUTPUT_DIR.value) / "generator.keras"
  )


def _load(path):
  if not path.is_file():
    raise ValueError(
      "--weights must be a generator's .keras file; by default it is the run folder's. "
      f"Received: {path}, where no file is"
    )
  try:
    generator = keras.models.load_model(path, compile=False)
    size = generator.compute_output_shape((1, 8, 8, 3))
  except Exception as error:
    raise ValueError(f"--weights: {path} cannot be loaded: {error}") from error
  expected = (1, 8 * _SCALE.value, 8 * _SCALE.value, 3)
  if tuple(size) != expected:
    raise ValueError(
      f"--weights must enlarge images by --scale={_SCALE.value}. Received: {path}, "
      f"which turns 8 x 8 pixels into {size[1]} x {size[2]}"
    )
  return generator


def _report(folder, pairs, networks):
  """Prints and writes the table, and the panels of the last network."""
  results = {}
  for method, network in networks.items():
    compiled = network and tiling.compiled(network)
    results[method], pictures = evaluation.evaluate(compiled, pairs)
  run_folder.write_json(folder / "evaluation.json", results)
  for (name, lr, hr), picture in zip(pairs, pictures, strict=True):
    panel = figures.comparison(lr, picture, hr)
    data.images.write_png(folder / "panels" / f"{name}.png", panel)
  print(f"PSNR (dB) / SSIM on Y, {_SCALE.value} pixels cut off at the border:")
  print(evaluation.table(results))
  print(f"Panels: {folder / 'panels'}")


if __name__ == "__main__":
  app.run(main, "sr")
