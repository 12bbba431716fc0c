"""Super-resolution with the contextual loss (paper, section 5.1).

Trains the generator first on mean squared error, unless it is trained already, then
on the paper's objective,

  0.1 L_CX + 1e-3 L_GAN + 10 |blur(G(s)) - blur(y)|^2   (supplementary, 1.1),

and compares it with bicubic interpolation on photographs held out of training.

  python -m experiments.sr --flagfile=sr.flags          # the paper, on DIV2K
  python -m experiments.sr --flagfile=sr_quick.flags    # minutes, embedded data, from
                                                        # pretrained-mse
  python -m experiments.sr --flagfile=sr.flags --data=PHOTOS
  python -m experiments.sr --flagfile=srgan.flags       # or srresnet, lapsrn,
                                                        # enhancenet; NAME_quick
  python -m experiments.sr --mode=evaluate --weights=GENERATOR.keras --data=PHOTOS
  python -m experiments.sr --mode=upscale --weights=pretrained-cx \\
      --input=PHOTO --output=LARGE.png
  tensorboard --logdir=runs

Images are RGB in [-1, 1] within the networks and uint8 outside of them.
"""

import pathlib

from absl import flags

from experiments.common import data, loss_flags, networks, reports
from experiments.common.data import convert, crops
from experiments.common.drawing import panels
from experiments.common.run import (
  app,
  device_flags,
  devices,
  flag_checks,
  logs,
  repeated_flag,
  run_folder,
  training,
)
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.common.upscaling import evaluation, tiling, validation
from experiments.common.upscaling import measure as measures
from experiments.sr import evaluate as sr_evaluation
from experiments.sr import methods, objective
from experiments.sr import upscale as upscaling

flags.adopt_module_key_flags(run_flags)
flags.adopt_module_key_flags(device_flags)
flags.adopt_module_key_flags(methods)
flags.adopt_module_key_flags(objective)
flags.adopt_module_key_flags(loss_flags)
flags.adopt_module_key_flags(sr_evaluation)
_MODE = flags.DEFINE_enum(
  "mode",
  "train",
  ["train", "evaluate", "upscale"],
  "train: all phases, then all measures on held-out photographs. evaluate: all "
  "measures of --weights and --method on --data. upscale: enlarge --input.",
)
_DATA = flags.DEFINE_flag(
  repeated_flag.Repeated(
    "data",
    "samples",
    "samples (embedded), div2k, or a folder or glob of photographs. evaluate: several, "
    "separated by commas or by repeating the flag.",
  )
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
  "evaluate and upscale: the network to use, a generator's .keras file, or "
  "pretrained-cx or pretrained-mse, which come with the project. By default the run's "
  "own.",
)
_INITIAL = flags.DEFINE_string(
  "initial_weights",
  None,
  "train: the network to start from, likewise. By default an untrained one.",
)
_INPUT = flags.DEFINE_string("input", None, "upscale: an image file or a folder.")
_OUTPUT = flags.DEFINE_string(
  "output", None, "upscale: a .png file, or a folder if --input is one."
)

_SCALE = flags.DEFINE_integer("scale", 4, "Factor, a power of 2.", lower_bound=2)
_CROP = flags.DEFINE_integer(
  "crop_size",
  384,
  "Side of the high-resolution crops (128 for both others).",
  lower_bound=16,
)
_BATCH = flags.DEFINE_integer(
  "batch_size", 16, "Crops a step, all replicas together.", lower_bound=1
)
_STEPS = flags.DEFINE_integer(
  "steps_per_epoch",
  None,
  "Steps of an epoch. By default, as many as see every photograph once.",
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
flag_checks.power_of_two(_SCALE)
flag_checks.not_empty(_DATA, _VALIDATION_DATA, _WEIGHTS, _INITIAL, _INPUT, _OUTPUT)
_TRAINING = (
  _INITIAL,
  _VALIDATION_DATA,
  _CROP,
  _BATCH,
  _STEPS,
  _BACKUP,
  _VALIDATE,
  *methods.FLAGS,
)


def main():
  methods.set_defaults()
  sr_evaluation.check(_MODE.value)
  _check()
  if _MODE.value == "upscale":
    upscale()
  elif _MODE.value == "evaluate":
    evaluate()
  else:
    train()


def _check():
  """Refuses flags that do not fit each other, before any work starts."""
  mode = f"with --mode={_MODE.value}"
  if _MODE.value == "upscale":
    if not _INPUT.value or not _OUTPUT.value:
      raise UserError("--mode=upscale needs --input and --output")
    networks.check_file(_weights_path())
    convert.check(_INPUT.value, _OUTPUT.value)
    flag_checks.no_effect([_DATA, run_flags.OVERWRITE, *_TRAINING], mode)
    return
  flag_checks.no_effect([_INPUT, _OUTPUT], mode)
  if _MODE.value == "evaluate":
    flag_checks.no_effect(_TRAINING, mode)
    return
  if _CROP.value % _SCALE.value:
    raise UserError(
      f"--crop_size must be a multiple of --scale. Received: {_CROP.value}"
    )
  methods.check(_CROP.value)
  devices.check_batch(_BATCH.value)
  if _WEIGHTS.value:
    raise UserError(f"--weights has no effect {mode}, --{_INITIAL.name} has")
  if _INITIAL.value:
    networks.check_file(_initial_path(), f"--{_INITIAL.name}")
    flag_checks.no_effect(methods.NETWORK, f"with --{_INITIAL.name}")
  app.check_run()


def upscale():
  generator = networks.load_generator(_weights_path(), _SCALE.value)
  upscaling.upscale_files(generator, _INPUT.value, _OUTPUT.value, _SCALE.value)


def evaluate():
  others_alone = sr_evaluation.METHOD.value and not _WEIGHTS.value
  sr_evaluation.evaluate(
    flags.FLAGS["data"].all(),
    None if others_alone else _weights_path(),
    _SCALE.value,
    run_flags.SEED.value,
    pathlib.Path(run_flags.OUTPUT_DIR.value) / "evaluation",
  )


def train():
  train_source, pairs = _sources()
  measure = sr_evaluation.all_measures(_SCALE.value, run_flags.SEED.value)
  # All is set up before the run folder, so that what is missing leaves no trace.
  with devices.current().scope():
    if _INITIAL.value:
      generator = _initial_network()
    else:
      generator = methods.build_generator(_SCALE.value)
    steps = _steps_per_epoch(train_source)
    phases = methods.build_phases(generator, _CROP.value, steps)
  folder = app.open_run()
  trained = {"bicubic": None}
  if _INITIAL.value:
    taken = ["bicubic", *(phase.name for phase in phases)]
    name = networks.name_of(_initial_path(), taken)
    trained[name] = _initial_network()
  for phase in phases:
    _fit(phase, train_source, pairs, folder)
    if phase.model.average is not None:
      phase.model.average.copy_to(generator)
    if devices.is_chief():
      name = "generator" if phase is phases[-1] else f"generator_{phase.name}"
      path = folder / f"{name}.keras"
      training.save_model(generator, path)
      trained[phase.name] = networks.load_generator(path, _SCALE.value)
  if devices.is_chief():
    _report(folder, pairs, trained, measure)


def _fit(phase, source, pairs, folder):
  settings = (source, _CROP.value, _SCALE.value, _BATCH.value, run_flags.SEED.value)
  training.fit(
    phase.model,
    lambda step, context: crops.training_batches(
      *settings, start=step, context=context
    ),
    steps_per_epoch=_steps_per_epoch(source),
    epochs=phase.epochs,
    backup=folder / "backup" / f"{phase.name}.weights.h5",
    every=_BACKUP.value,
    callbacks=_callbacks(phase, pairs, settings, folder) if devices.is_chief() else [],
    verbose=2 if app.quiet() else 1,
  )


def _callbacks(phase, pairs, settings, folder):
  return [
    validation.Validation(
      folder,
      phase.name,
      pairs[: _PICTURES.value],
      validation.fixed_batch(*settings),
      _VALIDATE.value,
      phase.epochs,
    ),
    logs.Logger(folder, phase.name),
  ]


def _steps_per_epoch(source):
  return _STEPS.value or max(len(source) // _BATCH.value, 1)


def _sources():
  """The training source and the validation pairs."""
  source = data.load(_DATA.value, "train", least=_CROP.value)
  if _VALIDATION_DATA.value:
    held_out = data.load(
      _VALIDATION_DATA.value, "validation", 4 * _SCALE.value, "--validation_data"
    )
  elif _DATA.value in data.SPLIT:
    held_out = data.load(_DATA.value, "validation")
  else:
    source, held_out = data.hold_out(source)
  return source, evaluation.Pairs(held_out, _SCALE.value)


def _initial_path():
  return networks.path_of(_INITIAL.value, f"--{_INITIAL.name}")


def _initial_network():
  return networks.load_generator(_initial_path(), _SCALE.value, f"--{_INITIAL.name}")


def _weights_path():
  own = pathlib.Path(run_flags.OUTPUT_DIR.value) / "generator.keras"
  return networks.path_of(_WEIGHTS.value or own)


def _report(folder, pairs, trained, measure):
  """Prints and writes the tables, and the panels of the last network."""
  compiled = {name: net and tiling.compiled(net) for name, net in trained.items()}
  results = {name: [] for name in trained}
  last = list(trained)[-1]
  for name, lr, hr in pairs:
    against = measure.against(hr)
    for method, network in compiled.items():
      picture = evaluation.upscale(network, lr, _SCALE.value)
      results[method].append({"image": name, **against(picture)[0]})
    panel = panels.comparison(lr, picture, hr, name=last)
    data.images.write_png(folder / "panels" / f"{name}.png", panel)
  run_folder.write_json(folder / "evaluation.json", results)
  print(f"PSNR (dB) / SSIM on Y, {_SCALE.value} pixels cut off at the border:")
  print(evaluation.table(results))
  print("\nMeans of all measures:")
  print(reports.table({name: measures.means(rows) for name, rows in results.items()}))
  print(f"Panels: {folder / 'panels'}")


if __name__ == "__main__":
  app.run(main, "sr", set_up=device_flags.set_up)
