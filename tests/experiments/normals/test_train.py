import pytest

from experiments.common.run.errors import UserError
from experiments.normals import ablation, train
from experiments.normals.__main__ import COMMANDS
from experiments.normals.settings import TrainSettings
from tests.experiments import in_process

_TINY = ["--size=16", "--width_divisor=128", "--epochs=2"]
_BUNDLED = ["--backbone=vgg16", "--backbone_weights=bundled"]


def _prepare(*arguments):
  return train.prepare(in_process.settings(COMMANDS, *_TINY, *arguments))


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    (["--data=/nowhere"], "--data must be materials or a folder"),
    (["--size=256"], "--data must be materials or a folder"),
  ],
)
def test_pictures_that_do_not_serve_are_refused(arguments, message):
  with pytest.raises(UserError, match=message):
    _prepare("--lambda_cx=0", *arguments)


@pytest.mark.parametrize(
  ("arguments", "terms"),
  [
    (["--lambda_cx=0", "--lambda_lf=0"], {"l1"}),
    (["--lambda_cx=0", "--lambda_lf=0", "--lambda_l1=0", "--lambda_l2=1"], {"l2"}),
    (["--lambda_cx=0.5", *_BUNDLED], {"contextual", "low_frequency", "l1"}),
  ],
)
def test_phases_have_the_terms_of_the_flags(arguments, terms):
  job = _prepare("--pretrain_epochs=3", *arguments)
  assert job.steps_per_epoch == 40
  assert [(p.name, p.epochs, set(p.model.terms)) for p in job.phases] == [
    ("l1", 3, {"l1"}),
    ("ours", 2, terms),
  ]


def test_weights_and_rates_reach_the_model():
  job = _prepare(
    *("--lambda_cx=0", "--lambda_lf=3", "--lambda_l1=0.25", "--learning_rate=0.5"),
    *("--pretrain_epochs=2", "--steps_per_epoch=10", "--pretrain_learning_rate=0.25"),
  )
  start, phase = job.phases
  weights = {name: weight for name, (weight, _) in phase.model.terms.items()}
  assert weights == {"low_frequency": 3.0, "l1": 0.25}
  assert float(phase.model.optimizer.learning_rate) == 0.5
  rate = start.model.optimizer
  assert float(rate.learning_rate) == 0.25
  rate.iterations.assign(16)
  assert float(rate.learning_rate) == pytest.approx(0.025)


def test_size_that_the_start_does_not_take_is_refused():
  message = "--size must be a multiple of 16 .* Received: 40"
  with pytest.raises(UserError, match=message):
    _prepare("--lambda_cx=0", "--initial_weights=pretrained-normals", "--size=40")


def test_variants_differ_in_what_they_say_alone():
  training = TrainSettings()
  found = {
    name: ablation._objective(training.objective, **changes)
    for name, changes in ablation.VARIANTS.items()
  }
  terms = {
    name: [
      weight
      for weight in ("lambda_cx", "lambda_lf", "lambda_l1", "lambda_l2")
      if getattr(objective, weight)
    ]
    for name, objective in found.items()
  }
  assert terms == {
    "L1": ["lambda_l1"],
    "L2": ["lambda_l2"],
    "CX + L1": ["lambda_cx", "lambda_lf", "lambda_l1"],
    "CX": ["lambda_cx", "lambda_lf"],
    "CX without LF": ["lambda_cx"],
    "CoBi": ["lambda_cx", "lambda_lf"],
  }
  assert found["CX + L1"] == training.objective
  weights = {o.losses.spatial_weight for n, o in found.items() if n != "CoBi"}
  assert weights == {0.0} and found["CoBi"].losses.spatial_weight == 0.1
