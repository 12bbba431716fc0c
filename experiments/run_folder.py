"""The folder of one run: its configuration, and the refusal to mix two."""

import importlib.metadata
import json
import os
import pathlib
import platform
import shutil

from absl import flags

# Flags that may differ when a run is resumed.
_FREE = {"flagfile", "overwrite", "output_dir", "mode"}
_PACKAGES = ("tensorflow", "keras", "numpy", "pillow", "scikit-image")


def open_run(path, overwrite, seed):
  """Creates a run folder, or opens one that the same flags have made.

  It holds `flags.txt` (the resolved flags, as a flagfile) and `run.json` (seed and
  versions).

  Args:
    path: the folder.
    overwrite: whether to delete what an earlier run left there.
    seed: integer, for the record.

  Returns:
    `pathlib.Path` of the folder.

  Raises:
    ValueError: if a run with other flags lies there, or other files.
  """
  folder = pathlib.Path(path)
  record = folder / "flags.txt"
  others = folder.exists() and {p.name for p in folder.iterdir()} - {"evaluation"}
  if others and not record.exists():
    raise ValueError(
      f"--output_dir must be empty or a run folder. Received: {folder}, which "
      "holds other files"
    )
  if overwrite and folder.exists():
    shutil.rmtree(folder)
  folder.mkdir(parents=True, exist_ok=True)
  current = _flags()
  if record.exists():
    before = _parse(record.read_text())
    changed = sorted(
      name for name in {*before, *current} if before.get(name) != current.get(name)
    )
    if changed:
      changes = ", ".join(
        f"--{name}: {before.get(name)} -> {current.get(name)}" for name in changed
      )
      raise ValueError(
        f"--output_dir={folder} holds a run with other flags ({changes}). Choose "
        "another folder, or start anew with --overwrite"
      )
  else:
    write_text(
      record, "".join(f"--{name}={value}\n" for name, value in current.items())
    )
    write_json(
      folder / "run.json",
      {"seed": seed, "python": platform.python_version(), "packages": versions()},
    )
  return folder


def versions():
  """Dict of the versions of the packages that results depend on."""
  return {name: importlib.metadata.version(name) for name in _PACKAGES}


def write_json(path, value):
  """Writes JSON, whole or not at all."""
  write_text(path, json.dumps(value, indent=2) + "\n")


def write_text(path, text):
  """Writes a text file, whole or not at all."""
  path = pathlib.Path(path)
  partial = path.with_name(f".{path.name}.partial")
  partial.write_text(text)
  os.replace(partial, path)


def _flags():
  """Values of the experiments' own flags, as strings."""
  own = {
    flag.name: flag
    for module, defined in flags.FLAGS.flags_by_module_dict().items()
    if "absl" not in module and "tensorflow" not in module
    for flag in defined
  }
  return {
    name: ",".join(flag.value) if isinstance(flag.value, list) else str(flag.value)
    for name, flag in sorted(own.items())
    if name not in _FREE and flag.value is not None
  }


def _parse(text):
  return dict(line[2:].split("=", 1) for line in text.splitlines() if line)
