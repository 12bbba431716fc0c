"""A network trained on one photograph (paper, supplementary, figure 1).

SRResNet learns to enlarge one photograph, from random crops of it, under L1, L2 or
the contextual loss of 5 x 5 RGB patches. Even so the pixelwise losses blur, since
they average over all that a small image may have come from; the contextual loss
keeps the statistics of the patches.

  python -m experiments.single_image --flagfile=single_image.flags --image=PHOTO
  python -m experiments.single_image --flagfile=single_image_quick.flags
  python -m experiments.single_image --losses=l2,cx --image=PHOTO --steps=2000
  tensorboard --logdir=runs

All patches of a crop take part, 36,100 at a side of 384, exactly. The networks start
from the same weights and see the same crops. The table and the figures are of the
photograph itself, as in the paper, where the networks have seen it: it shows what a
loss aims at, not how a network generalises.

The contextual loss of cosine distances does not see the contrast of patches, and
RGB patches have nothing else to tell it. --lambda_lf adds the low-frequency error of
the paper's super-resolution objective (supplementary, 1.1), and --warm_start_steps
starts all networks from squared error; both are off by default, as the paper trains
with the contextual loss alone.
"""

import pathlib

import keras
from absl import flags

import cxloss
from cxloss.metrics import spectrum
from experiments.common import data, results
from experiments.common.data import crops, samples
from experiments.common.drawing import diagrams, panels
from experiments.common.run import app, flag_checks, logs, training
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.common.upscaling import measure, pairs, spectra, tiling, validation
from models import srgan

_LOSSES = ("l1", "l2", "cx")
_ORIGINAL = "original"
# Its other parameters, 0.9 and 0.999, are Keras' defaults.
_ADAM_EPSILON = 1e-8
_POINTS, _PROJECTIONS = 2048, 128

flags.adopt_module_key_flags(run_flags)
_IMAGE = flags.DEFINE_string(
  "image",
  "astronaut",
  f"An image file, or an embedded photograph: {', '.join(samples.PHOTOGRAPHS)}.",
)
_LOSS = flags.DEFINE_list("losses", list(_LOSSES), "Which to train: l1, l2, cx.")
_SCALE = flags.DEFINE_integer("scale", 4, "Factor, a power of 2.", lower_bound=2)
_BLOCKS = flags.DEFINE_integer("blocks", 16, "Residual blocks.", lower_bound=1)
_WIDTH = flags.DEFINE_integer("width", 64, "Channels.", lower_bound=1)
_ICNR = flags.DEFINE_bool(
  "icnr", False, "Start pixel shuffles without a checkerboard; not in the paper."
)
_CROP = flags.DEFINE_integer("crop_size", 384, "Side of the crops.", lower_bound=16)
_BATCH = flags.DEFINE_integer("batch_size", 1, "Crops a step.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 10_000, "Of each loss.", lower_bound=1)
_WARM = flags.DEFINE_integer(
  "warm_start_steps", 0, "Steps on squared error before; not in the paper.", 0
)
_RATE = flags.DEFINE_float("learning_rate", 1e-4, "Of Adam; divided by 10 half-way.")
_PATCH = flags.DEFINE_integer("patch_size", 5, "Of the contextual loss.", 1)
_STRIDE = flags.DEFINE_integer("patch_stride", 2, "Between patches.", 1)
_BANDWIDTH = flags.DEFINE_float("bandwidth", 0.1, "h of the contextual loss.")
_LF = flags.DEFINE_float(
  "lambda_lf",
  0.0,
  "Weight of the low-frequency error (Gaussian 21 x 21, sigma 3) beside cx; not in "
  "the paper's experiment, whose super-resolution has 100 times the weight of L_CX.",
)
_BACKUP = flags.DEFINE_integer("backup_every", 200, "Steps between backups.", 1)
_LOG = flags.DEFINE_integer("log_every", 100, "Steps between log entries.", 1)
_VALIDATE = flags.DEFINE_integer(
  "validate_every", 500, "Steps between pictures in TensorBoard.", 1
)
flag_checks.positive(_RATE, _BANDWIDTH)
flag_checks.not_negative(_LF)
flag_checks.not_empty(_IMAGE)
flag_checks.power_of_two(_SCALE)
flag_checks.some_of(_LOSS, _LOSSES)


def main():
  _check()
  image = _image()
  _check_size(image)
  # All is set up before the run folder, so that what is missing leaves no trace.
  models = {name: _model(name, _STEPS.value) for name in _LOSS.value}
  warm = _model("l2", _WARM.value) if _WARM.value else None
  folder = app.open_run()
  pair = pairs.make_pair(image, _SCALE.value)
  if warm:
    _fit(warm, "warm_start", _WARM.value, image, pair, folder)
  for name, model in models.items():
    if warm:
      model.generator.set_weights(warm.generator.get_weights())
    _fit(model, name, _STEPS.value, image, pair, folder)
    training.save_model(model.generator, folder / f"generator_{name}.keras")
  networks = {name: model.generator for name, model in models.items()}
  _report(folder, pair, networks)


def _image():
  if _IMAGE.value in samples.PHOTOGRAPHS:
    return samples.photograph(_IMAGE.value)
  if not pathlib.Path(_IMAGE.value).is_file():
    raise UserError(
      f"--image must be a file or one of {', '.join(samples.PHOTOGRAPHS)}. "
      f"Received: {_IMAGE.value!r}"
    )
  try:
    image = data.images.read_rgb(_IMAGE.value)
  except ValueError as error:
    raise UserError(f"--image: {error}") from error
  return image


def _check_size(image):
  least = max(_CROP.value, measure.WINDOW + _SCALE.value)
  if min(image.shape[:2]) < least:
    raise UserError(
      f"--image must have sides of at least {least}, for --crop_size={_CROP.value}. "
      f"Received: {image.shape[1]} x {image.shape[0]}"
    )


def _check():
  if "cx" not in _LOSS.value:
    unused = [_PATCH, _STRIDE, _BANDWIDTH, _LF]
    flag_checks.no_effect(unused, "without cx in --losses")
  if _CROP.value % _SCALE.value:
    raise UserError(
      f"--crop_size must be a multiple of --scale. Received: {_CROP.value}"
    )
  if _PATCH.value > _CROP.value:
    raise UserError(
      f"--patch_size must be at most --crop_size={_CROP.value}. "
      f"Received: {_PATCH.value}"
    )
  for flag in (_STEPS, _WARM, _VALIDATE):
    if flag.value % _LOG.value:
      raise UserError(
        f"--{flag.name} must be a multiple of --log_every={_LOG.value}. "
        f"Received: {flag.value}"
      )
  app.check_run()


def _model(name, steps):
  """A network of the run's first weights, to be trained on one loss."""
  if name == "cx":
    features = cxloss.PatchFeatures(_PATCH.value, _STRIDE.value)
    terms = {
      "cx": (1.0, cxloss.ContextualLoss(features, _BANDWIDTH.value)),
      "low_frequency": (_LF.value, cxloss.LowFrequencyLoss()),
    }
  elif name == "l1":
    terms = {name: (1.0, keras.losses.MeanAbsoluteError())}
  else:
    terms = {name: (1.0, keras.losses.MeanSquaredError())}
  keras.utils.set_random_seed(run_flags.SEED.value)
  generator = srgan.generator(_BLOCKS.value, _WIDTH.value, _SCALE.value, _ICNR.value)
  schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
    [max(steps // 2, 1)], [_RATE.value, _RATE.value / 10]
  )
  model = srgan.SuperResolutionTrainer(generator, terms)
  model.compile(keras.optimizers.Adam(schedule, epsilon=_ADAM_EPSILON))
  return model


def _fit(model, phase, steps, image, pair, folder):
  settings = (_CROP.value, _SCALE.value, _BATCH.value, run_flags.SEED.value)
  epochs = steps // _LOG.value
  every = _VALIDATE.value // _LOG.value
  training.fit(
    model,
    lambda step, _: crops.training_batches([image], *settings, step, mirror=False),
    steps_per_epoch=_LOG.value,
    epochs=epochs,
    backup=folder / "backup" / f"{phase}.weights.h5",
    every=_BACKUP.value,
    callbacks=[
      validation.Validation(
        folder, phase, [("photograph", *pair)], None, every, epochs
      ),
      logs.Logger(folder, phase),
    ],
    verbose=2 if app.quiet() else 1,
  )


def _report(folder, pair, networks):
  lr, hr = pair
  scale = _SCALE.value
  pictures = {"bicubic": tiling.upscale(tiling.Bicubic(scale), lr, scale)}
  for name, network in networks.items():
    pictures[name] = tiling.upscale(tiling.Compiled(network), lr, scale)
  found = {
    name: spectrum.log_power_spectrum(picture, measure.WINDOW)
    for name, picture in {**pictures, _ORIGINAL: hr}.items()
  }
  settings = (scale, _POINTS, _PROJECTIONS, run_flags.SEED.value)
  rows = [
    {
      "method": name,
      **measure.pictures(hr, picture, *settings),
      **measure.spectra(found[_ORIGINAL], found[name], scale),
    }
    for name, picture in pictures.items()
  ]
  pictures = {_ORIGINAL: hr, **pictures}
  results.save_pictures(folder, "photograph", pictures)
  results.write(
    folder,
    rows,
    curves={"power_spectrum": spectra.radial(found)},
    figures={
      "panel": panels.side_by_side(pictures, _ORIGINAL),
      "power_spectrum": diagrams.spectra(found, _ORIGINAL, scale),
    },
    step=_STEPS.value,
  )


if __name__ == "__main__":
  app.run(main, "single_image")
