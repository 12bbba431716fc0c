import importlib.util
import sys

import pytest
from absl import flags

from experiments.report import claims, flagfiles, paper
from tests.experiments import in_process

_ENTRIES = [entry for one in paper.EXPERIMENTS for entry in one.entries]
# Flags that the paper leaves open: where and how a run is made, and how it is measured.
_OPEN = {
  *("backup_every", "batch_size", "corner", "deterministic", "fit_border", "fit_halve"),
  *("fit_jump", "fit_window", "gif", "image", "log_every", "lpips_heads"),
  *("lpips_weights", "max_images", "output_dir", "overwrite", "patch_points", "pixels"),
  *("pretrain_share", "projections", "replicas", "seed", "skip_bad", "spectra"),
  *("strategy", "triplet", "triplets", "validate_every", "validation_data"),
  *("validation_images", "window"),
}
# Those of other modes, of other data, and of terms of weight 0.
_IDLE = {
  *("back_projections", "depth_scale", "flip", "format", "images", "input"),
  *("intrinsics", "method", "mirror", "mode", "optimizer", "output", "pretrain_decay"),
  *("pretrain_learning_rate", "texture_layers", "tune", "vgg_layers"),
  *("vgg_normalize", "weights"),
}


def test_commands_and_flags_of_the_paper_exist():
  for experiment in paper.EXPERIMENTS:
    assert claims.CLAIMS[experiment.key]
    for entry in experiment.entries:
      assert importlib.util.find_spec(f"experiments.{entry.name}")
      assert flagfiles.read(entry.quick)
      assert all(flagfiles.read(name) for name in entry.paper)


@pytest.mark.parametrize(
  ("entry", "flagfile"),
  [(entry, name) for entry in _ENTRIES for name in entry.paper],
  ids=lambda value: getattr(value, "name", value),
)
def test_every_flag_is_the_papers_or_known_to_be_open(entry, flagfile, monkeypatch):
  names = set()

  def parse(main, argv, flags_parser):
    flags_parser(argv)
    own = flags.FLAGS.get_key_flags_for_module(sys.argv[0])
    names.update(flag.name for flag in own)

  monkeypatch.setattr("absl.app.run", parse)
  in_process.succeed(entry.name, f"--flagfile={flagfile}")
  fixed = {*flagfiles.read(flagfile), *entry.defaults, *entry.free}
  assert "output_dir" in names and names <= fixed | _OPEN | _IDLE


def test_runs_with_terms_or_steps_of_their_own_depart_from_the_paper():
  (entry,) = (entry for entry in _ENTRIES if entry.name == "sr")
  papers = {name: v for name, v in entry.defaults.items() if v is not None}
  papers.update(flagfiles.read("sr.flags"))
  own = {"lambda_vgg": "5.0", "steps_per_epoch": "1", "initial_weights": "g.keras"}
  compared = "sr.flags", entry.defaults, entry.free
  assert flagfiles.differences(papers, *compared) == []
  found = flagfiles.differences({**papers, **own}, *compared)
  assert {name for name, *_ in found} == set(own)


def test_numbers_of_flags_are_compared_as_numbers():
  own = {**flagfiles.read("sr.flags"), "lambda_gan": "0.001", "lambda_lf": "10.0"}
  assert flagfiles.differences(own, "sr.flags", {}, ()) == []
  own.update(epochs="5", icnr="True", limit="3")
  assert flagfiles.differences(
    own, "sr.flags", {"icnr": "False", "limit": None}, ()
  ) == [("icnr", "False", "True"), ("limit", "not set", "3"), ("epochs", "1500", "5")]
