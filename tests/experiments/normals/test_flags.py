import pytest

from experiments.common.run.errors import UserError
from experiments.normals.__main__ import COMMANDS
from experiments.normals.data.depth import Intrinsics, PlaneFit
from tests.experiments import command, in_process


def _settings(arguments):
  return in_process.settings(COMMANDS, *arguments)


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    ("--mode=upscale", "--mode"),
    ("--data=", "--data"),
    ("--initial_weights=", "--initial_weights"),
    ("--initial_weights=none.keras", "--initial_weights must be.*none.keras"),
    ("--mode=predict", "--mode=predict needs --output"),
    (
      "--mode=predict --weights=g.keras --data=motorcycle --output=o.png",
      "--output must be a folder, without --input",
    ),
    (
      "--mode=predict --weights=g.keras --input=photo.png --output=o.npy",
      "--output must end in .png",
    ),
    ("--format=jpg", "--format"),
    ("--flip=w", "--flip=w: must be of the letters xyz"),
    ("--intrinsics=1,2,3", "--intrinsics.*must be four numbers"),
    ("--intrinsics=0,1,1,1", "--intrinsics"),
    ("--intrinsics=nan,1,1,1", "--intrinsics"),
    ("--intrinsics=a,1,1,1", "--intrinsics"),
    ("--depth_scale=0", "--depth_scale"),
    ("--depth_scale=nan", "--depth_scale"),
    ("--reduce=0", "--reduce"),
    ("--fit_window=8", "--fit_window=8: must be odd"),
    ("--fit_window=1", "--fit_window"),
    ("--fit_jump=0", "--fit_jump"),
    ("--fit_border=-1", "--fit_border"),
    ("--view_zoom=0", "--view_zoom=0.0: must be in"),
    ("--view_zoom=1.1", "--view_zoom"),
    ("--view_zoom=0.5 --view_turn=91", "--view_turn"),
    ("--view_turn=5", "--view_turn and --view_colour need --view_zoom"),
    ("--network=unet", "--network"),
    ("--network=guided --width=100", "--width_divisor: `height` and `width` must be"),
    ("--network=guided --tune=conv9", "--tune.*must be any of conv1"),
    ("--tune=conv5", "--tune needs --network=guided"),
    ("--pretrain_decay=linear", "--pretrain_decay"),
    ("--height=3", "--height"),
    ("--width=0", "--width"),
    ("--width_divisor=0", "--width_divisor"),
    ("--width_divisor=2000", "--width_divisor.*between 1 and 128"),
    ("--batch_size=0", "--batch_size"),
    ("--epochs=0 --pretrain_epochs=0", "--epochs must be positive"),
    ("--learning_rate=nan", "--learning_rate"),
    ("--pretrain_learning_rate=0", "--pretrain_learning_rate"),
    ("--lambda_cx=-1", "--lambda_cx"),
    ("--lambda_lf=nan", "--lambda_lf"),
    ("--lambda_l1=inf", "--lambda_l1"),
    ("--lambda_cx=0 --lambda_lf=0 --lambda_l1=0", "one of --lambda_cx.*positive"),
    ("--patch_size=0", "--patch_size"),
    ("--patch_size=99 --height=96", "--patch_size must be at most --height"),
    ("--patch_stride=0", "--patch_stride"),
    ("--layers=block9", "--layers must name"),
    ("--blur_size=999 --height=96", "--blur_size must be at most 193 for --height=96"),
    ("--max_points=-5", "--max_points"),
    ("--backbone_weights=bundled", "bundled weights are those of --backbone=vgg16"),
  ],
)
def test_bad_flags_are_refused(tmp_path, monkeypatch, arguments, message):
  monkeypatch.chdir(tmp_path)
  for name in ("g.keras", "photo.png"):
    (tmp_path / name).touch()
  with pytest.raises(UserError, match=message):
    _settings(arguments.split())


@pytest.mark.parametrize("name", ["normals", "normals_l1_0", "normals_quick"])
def test_flagfiles_are_good(name):
  settings = _settings([f"--flagfile={command.ROOT / 'flags' / name}.flags"])
  assert list(settings.objective.losses.layers) == ["block1_conv2", "block2_conv2"]


def test_flagfile_of_the_small_network_needs_a_folder_alone():
  path = command.ROOT / "flags" / "normals_nyu_small.flags"
  settings = _settings([f"--flagfile={path}", "--data=train"])
  assert settings.network.kind == "guided" and not settings.epochs
  assert settings.data.fit.halve and settings.views.zoom == 0.65


def test_defaults_are_the_papers():
  settings = _settings([])
  objective = settings.objective
  weights = objective.lambda_cx, objective.lambda_lf, objective.lambda_l1
  assert weights == (1.0, 0.1, 1.0)
  assert objective.losses.max_points == 65 * 65
  assert settings.learning_rate == 1e-4
  assert settings.data.fit == PlaneFit() and settings.views.zoom is None
  assert settings.network.kind == "crn"


def test_values_become_settings():
  settings = _settings(
    [*("--data=x", "--intrinsics=500,501,320.5,240", "--flip=xy", "--seed=3")]
  )
  assert settings.data.intrinsics == Intrinsics(500, 501, 320.5, 240)
  assert settings.data.flip == "xy"
  assert settings.seed == settings.data.seed == 3
