"""What each term of the normals' objective does: L1, CX, and both.

Trains three networks that start from the same one, on the same pictures and seeds, by
`experiments.normals`, whose flags it takes, and prints their errors in one table:

  L1        lambda_L1 alone
  CX        L_CX and the low-frequency error, the paper's lambda_L1 = 0
  CX + L1   all three terms, the paper's lambda_L1 = 1

  python -m experiments.normals.ablation --flagfile=normals_quick.flags

The common start are the `--pretrain_epochs` on L1. The same command again goes on
where it was stopped.
"""

import json
import pathlib
import subprocess
import sys

from experiments.common import data, networks
from experiments.common.drawing import panels
from experiments.common.run import app, flag_checks, run_folder
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.normals import __main__ as normals
from experiments.normals import evaluate, flags

_TERMS = {
  "L1": ["--lambda_cx=0", "--lambda_lf=0", "--lambda_l1=1"],
  "CX": ["--lambda_l1=0"],
  "CX + L1": ["--lambda_l1=1"],
}


def main():
  _check()
  folder = pathlib.Path(run_flags.OUTPUT_DIR.value)
  start = folder / "start"
  arguments = []
  if flags.PRETRAIN_EPOCHS.value:
    _train(start, ["--epochs=0"])
    arguments = [
      "--pretrain_epochs=0",
      f"--initial_weights={start / 'network_l1.keras'}",
    ]
  results, predictors = {}, {}
  for name, terms in _TERMS.items():
    run = folder / name.lower().replace(" + ", "_")
    _train(run, [*arguments, *terms])
    rows = json.loads((run / "evaluation.json").read_text())
    results["mean normal"] = rows["mean normal"]
    results[name] = rows["ours"]
    network = networks.load_crn(run / "network.keras")
    predictors[name] = evaluate.predictor(network)
  run_folder.write_json(folder / "evaluation.json", results)
  _, source = normals.sources()
  for i in range(min(flags.PICTURES.value, len(source))):
    path = folder / "panels" / f"{source.names[i]}.png"
    data.images.write_png(path, _panel(source[i], predictors))
  print("Angular errors in degrees, shares of pixels in %:")
  print(evaluate.table(results))
  lengths = {name: row["gradient"] for name, row in results.items()}
  lengths["true"] = results["L1"]["true_gradient"]
  print(
    "Mean length of the differences between neighbouring normals: "
    + ", ".join(f"{name} {length:.4f}" for name, length in lengths.items())
  )
  print(f"Panels: {folder / 'panels'}")


def _check():
  if flags.MODE.value != "train":
    raise UserError(f"--mode must be train here. Received: {flags.MODE.value}")
  for flag in (flags.EPOCHS, flags.CX):
    if not flag.value:
      raise UserError(f"--{flag.name} must be positive here. Received: 0")
  flag_checks.no_effect([flags.L1], "here, where it is 1 or 0")
  flags.check_training()


def _train(folder, arguments):
  """Runs `experiments.normals` with this command's flags and others after them."""
  print(f"== {folder}", flush=True)
  command = [sys.executable, "-m", "experiments.normals", *sys.argv[1:], *arguments]
  status = subprocess.run([*command, f"--output_dir={folder}"]).returncode
  if status:
    raise RuntimeError(f"the training in {folder} ended with exit code {status}")


def _panel(view, predictors):
  maps = {"image": view.image}
  for name, predict in predictors.items():
    maps[name] = evaluate.encode(predict(view.image))
  maps["true"] = evaluate.encode(view.normals, view.mask)
  enlarged = [evaluate.enlarge(picture) for picture in maps.values()]
  return panels.grid([enlarged], list(maps))


if __name__ == "__main__":
  app.run(main, "normals_ablation", default_flagfile="normals_quick.flags")
