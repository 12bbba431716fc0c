import functools

import keras
import numpy as np
import pytest

from experiments.common import results
from tests.experiments import command
from tests.experiments.common.run import cluster

_SR = [
  *(*command.TINY_SR, "--batch_size=4", "--pretrain_epochs=2", "--epochs=2"),
  *("--backup_every=3", "--average=0.5"),
]
_NORMALS = [
  *("--data=materials", "--count=4", "--light=none", "--size=32"),
  *("--width_divisor=256", "--batch_size=2", "--steps_per_epoch=2"),
  *("--pretrain_epochs=1", "--epochs=1", "--max_points=50"),
  *("--backbone=vgg16", "--backbone_weights=bundled"),
]


def _start_both(module, *arguments):
  return [
    command.start(
      module, *arguments, "--strategy=multi_worker", environment=environment
    )
    for environment in cluster.environments()
  ]


def _end(processes):
  """Outputs of processes that all succeed."""
  outputs = [process.communicate(timeout=400) for process in processes]
  for process, (_, err) in zip(processes, outputs, strict=True):
    assert process.returncode == 0, err[-3000:]
  return [out for out, _ in outputs]


@pytest.mark.slow
def test_job_of_two_workers_goes_on_after_one_was_killed(tmp_path):
  start = functools.partial(_start_both, "experiments.sr", *_SR)
  processes = start(f"--output_dir={tmp_path / 'killed'}")
  command.wait_for(tmp_path / "killed" / "backup" / "ours.weights.h5", processes[0])
  processes[1].kill()
  _, err = processes[0].communicate(timeout=200)
  assert processes[0].returncode == 1
  assert "another worker is gone" in err and "Traceback" not in err
  chief, other = _end(start(f"--output_dir={tmp_path / 'killed'}"))
  assert "2 replicas, 2 of 4 examples on each" in chief and "PSNR" in chief
  assert other == ""

  command.succeed("experiments.sr", *_SR, f"--output_dir={tmp_path / 'one'}")
  runs = tmp_path / "one", tmp_path / "killed"
  one, both = map(command.steps, runs)
  assert one == both
  a, b = (keras.models.load_model(run / "generator.keras") for run in runs)
  # Adam turns rounding of small gradients into steps of full size: the networks agree
  # up to a few of its rates of 1e-4.
  for first, second in zip(a.trainable_weights, b.trainable_weights, strict=True):
    np.testing.assert_allclose(first, second, atol=5e-4, err_msg=first.path)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["mirrored", "multi_worker"])
def test_normals_train_on_two_replicas(tmp_path, strategy):
  arguments = [*_NORMALS, f"--output_dir={tmp_path}"]
  if strategy == "mirrored":
    arguments += ["--strategy=mirrored", "--replicas=2"]
    out, _ = command.succeed("experiments.normals", *arguments)
  else:
    out, _ = _end(_start_both("experiments.normals", *arguments))
  assert "2 replicas, 1 of 2 examples on each" in out and "flat" in out
  rows = results.read(tmp_path)["rows"]
  assert [row["method"] for row in rows] == ["flat", "l1", "ours"]


@pytest.mark.slow
def test_error_ends_a_process_of_several_replicas(tmp_path):
  # It once hung for ever, with threads of tf.data waiting for Python.
  arguments = [*_NORMALS, f"--output_dir={tmp_path}", "--learning_rate=1e30"]
  code, _, err = command.run(
    "experiments.normals", *arguments, "--strategy=mirrored", "--replicas=2"
  )
  assert code == 1 and "not finite after step" in err


def test_impossible_clusters_and_batches_are_refused(tmp_path):
  run = functools.partial(
    command.run, "experiments.sr", *_SR, f"--output_dir={tmp_path / 'run'}"
  )
  for arguments, message in (
    (["--strategy=multi_worker"], "TF_CONFIG"),
    (["--strategy=mirrored", "--replicas=3"], "--batch_size"),
  ):
    code, _, err = run(*arguments)
    assert code == 1 and message in err and "Traceback" not in err
  assert not (tmp_path / "run").exists()
