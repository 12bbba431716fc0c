import pytest

from experiments.common.run import resumable_training
from experiments.common.run.errors import UserError
from experiments.normals import train
from experiments.normals.__main__ import COMMANDS
from models import crn
from tests.experiments import in_process

_TINY = ["--height=16", "--width=32", "--width_divisor=128", "--epochs=2"]
_BUNDLED = ["--backbone=vgg16", "--backbone_weights=bundled"]


def _prepare(*arguments):
  return train.prepare(in_process.settings(COMMANDS, *_TINY, *arguments))


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    (["--data=/nowhere"], "--data"),
    (["--data=motorcycle", "--height=512", "--width=512"], "--height"),
    (["--data=motorcycle"], "--validation_data"),
    (["--validation_data=/nowhere"], "--validation_data must be scenes.*'/nowhere'"),
  ],
)
def test_pictures_that_do_not_serve_are_refused(arguments, message):
  with pytest.raises(UserError, match=message):
    _prepare("--lambda_cx=0", *arguments)


@pytest.mark.parametrize(
  ("arguments", "terms"),
  [
    (["--lambda_cx=0", "--lambda_lf=0"], {"l1"}),
    (["--lambda_l1=0", *_BUNDLED], {"contextual", "low_frequency"}),
    (["--lambda_cx=0.5", *_BUNDLED], {"contextual", "low_frequency", "l1"}),
  ],
)
def test_phases_have_the_terms_of_the_flags(arguments, terms):
  job = _prepare("--pretrain_epochs=3", *arguments)
  assert job.steps_per_epoch == 2000
  assert [(p.name, p.epochs, set(p.model.terms)) for p in job.phases] == [
    ("l1", 3, {"l1"}),
    ("ours", 2, terms),
  ]


def test_pictures_of_a_size_that_the_start_does_not_take_are_refused():
  message = "--height and --width must be multiples of 16 .* Received: 96 x 136"
  with pytest.raises(UserError, match=message):
    _prepare(
      *("--lambda_cx=0", "--initial_weights=pretrained-normals"),
      *("--height=96", "--width=136"),
    )


def test_the_last_phase_leaves_the_network_of_the_run(tmp_path):
  arguments = ["--lambda_cx=0", "--pretrain_epochs=1", "--steps_per_epoch=1"]
  for epochs, files in (
    (0, ["network.keras"]),
    (1, ["network.keras", "network_l1.keras"]),
  ):
    folder = tmp_path / str(epochs)
    folder.mkdir()
    _prepare(*arguments, f"--epochs={epochs}", "--validation_images=1").run(folder)
    assert sorted(path.name for path in folder.glob("*.keras")) == files


def test_steps_see_every_picture_once():
  assert _prepare("--lambda_cx=0", "--batch_size=16").steps_per_epoch == 125


def test_weights_and_rates_reach_the_model():
  job = _prepare(
    *("--lambda_cx=0", "--lambda_lf=3", "--lambda_l1=0.25", "--learning_rate=0.5")
  )
  (phase,) = job.phases
  weights = {name: weight for name, (weight, _) in phase.model.terms.items()}
  assert weights == {"low_frequency": 3.0, "l1": 0.25}
  assert float(phase.model.optimizer.learning_rate) == 0.5


def test_pretraining_ends_at_a_tenth_of_its_rate():
  arguments = ["--pretrain_epochs=2", "--steps_per_epoch=10", "--epochs=0"]
  (phase,) = _prepare(*arguments, "--pretrain_learning_rate=0.5").phases
  rate = phase.model.optimizer
  assert float(rate.learning_rate) == 0.5
  rate.iterations.assign(16)
  assert float(rate.learning_rate) == pytest.approx(0.05)


def test_rate_can_fall_to_zero_as_half_a_cosine():
  arguments = ["--pretrain_epochs=2", "--steps_per_epoch=10", "--epochs=0"]
  rates = ["--pretrain_learning_rate=0.5", "--pretrain_decay=cosine"]
  (phase,) = _prepare(*arguments, *rates).phases
  rate = phase.model.optimizer
  for step, expected in ((0, 0.5), (10, 0.25), (20, 0.0)):
    rate.iterations.assign(step)
    assert float(rate.learning_rate) == pytest.approx(expected, abs=1e-6)


def test_tuned_layers_of_a_guided_network_are_trained_too(tmp_path):
  guided = ["--lambda_cx=0", "--network=guided", "--width_divisor=16"]
  frozen = _prepare(*guided)
  tuned = _prepare(*guided, "--tune=conv5")
  counts = [len(job.network.trainable_variables) for job in (frozen, tuned)]
  assert counts[1] == counts[0] + 2
  resumable_training.save_model(tuned.network, tmp_path / "n.keras")
  again = _prepare("--lambda_cx=0", f"--initial_weights={tmp_path / 'n.keras'}")
  assert len(again.network.trainable_variables) == counts[0]
  resumable_training.save_model(crn.crn(16, 32, 128), tmp_path / "c.keras")
  with pytest.raises(UserError, match="--tune: `names` must be some of"):
    _prepare(
      "--lambda_cx=0", "--tune=conv5", f"--initial_weights={tmp_path / 'c.keras'}"
    )
