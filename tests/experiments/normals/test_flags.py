import pytest

from experiments.common.run.errors import UserError
from experiments.normals import ablation
from experiments.normals.__main__ import COMMANDS
from experiments.normals.data.views import ViewSettings
from tests.experiments import command, in_process


def _settings(arguments):
  return in_process.settings(COMMANDS, *arguments)


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    ("--mode=upscale", "--mode"),
    ("--data=", "--data"),
    ("--initial_weights=none.keras", "--initial_weights must be.*none.keras"),
    ("--mode=predict", "--mode=predict needs --input and --output"),
    ("--mode=predict --input=photo.png --output=o.npy", "--output must end in .png"),
    ("--mode=predict --format=jpg", "--format"),
    ("--mode=predict --convention=vulkan", "--convention"),
    ("--light=sun", "--light"),
    ("--padding=black", "--padding"),
    ("--mode=predict --reduce=0", "--reduce"),
    ("--count=-1", "--count"),
    ("--view_scale=0.9", r"--view_scale=0.9: must be in \[1, 8\]"),
    ("--view_colour=nan", "--view_colour"),
    ("--size=7", "--size"),
    ("--width_divisor=2000", "--width_divisor.*between 1 and 128"),
    ("--epochs=0 --pretrain_epochs=0", "--epochs must be positive"),
    ("--learning_rate=nan", "--learning_rate"),
    ("--lambda_l2=-1", "--lambda_l2"),
    ("--lambda_cx=0 --lambda_lf=0 --lambda_l1=0", "one of --lambda_cx.*positive"),
    ("--layers=block9", "--layers must name"),
    ("--blur_size=999 --size=96", "--blur_size must be at most 193 for --size=96"),
    ("--backbone_weights=bundled", "bundled weights are those of --backbone=vgg16"),
  ],
)
def test_bad_flags_are_refused(tmp_path, monkeypatch, arguments, message):
  monkeypatch.chdir(tmp_path)
  (tmp_path / "photo.png").touch()
  with pytest.raises(UserError, match=message):
    _settings(arguments.split())


@pytest.mark.parametrize(
  "arguments", ["--epochs=0 --pretrain_epochs=1", "--lambda_cx=0", "--repeats=0"]
)
def test_ablation_refuses_what_leaves_nothing_to_compare(arguments):
  with pytest.raises(UserError, match=r"--(epochs|lambda_cx|repeats)"):
    in_process.settings(ablation.COMMAND, *arguments.split())


@pytest.mark.parametrize("name", ["", "_l1_0", "_small", "_quick"])
def test_flagfiles_have_the_papers_objective(name):
  path = command.ROOT / "flags" / f"normals{name}.flags"
  settings = _settings([f"--flagfile={path}", "--data=materials"])
  objective = settings.objective
  assert list(objective.losses.layers) == ["block1_conv2", "block2_conv2"]
  assert (objective.lambda_cx, objective.lambda_lf) == (1.0, 0.1)
  assert objective.lambda_l1 == (0.0 if name == "_l1_0" else 1.0)


def test_defaults_are_the_papers():
  settings = _settings([])
  objective = settings.objective
  weights = objective.lambda_cx, objective.lambda_lf, objective.lambda_l1
  assert weights == (1.0, 0.1, 1.0) and not objective.lambda_l2
  assert objective.losses.max_points == 65 * 65
  assert settings.learning_rate == 1e-4 and settings.padding == "zeros"
  assert settings.views == ViewSettings() == ViewSettings(scale=1.0, turn=False)
