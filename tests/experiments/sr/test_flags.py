import pathlib

import pytest
from PIL import Image

from experiments.common.run.errors import UserError
from experiments.sr.__main__ import COMMANDS
from tests.experiments import command, in_process


def _settings(*arguments):
  """The settings of a list of arguments."""
  return in_process.settings(COMMANDS, *arguments)


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    ("--mode=fly", "--mode"),
    ("--data=", "--data"),
    ("--validation_data=", "--validation_data"),
    ("--initial_weights=", "--initial_weights"),
    (
      "--initial_weights=none.keras",
      "--initial_weights must be.*none.keras, where no file is",
    ),
    (
      "--initial_weights=photo.png",
      r"--initial_weights must be a network's \.keras file.*photo.png",
    ),
    ("--initial_weights=pretrained-xc", "must be pretrained-mse or pretrained-cx"),
    ("--scale=1", "--scale"),
    ("--scale=-4", "--scale"),
    ("--scale=3", "--scale=3: must be a power of 2"),
    ("--scale=2.5", "--scale"),
    ("--scale=128 --crop_size=192", "--crop_size must be a multiple of --scale"),
    ("--crop_size=15", "--crop_size"),
    ("--crop_size=98", "--crop_size must be a multiple of --scale"),
    ("--batch_size=0", "--batch_size"),
    ("--steps_per_epoch=0", "--steps_per_epoch"),
    ("--backup_every=0", "--backup_every"),
    ("--validate_every=-1", "--validate_every"),
    ("--validation_images=0", "--validation_images"),
    ("--blocks=0", "--blocks"),
    ("--width=0", "--width"),
    ("--discriminator_width=0", "--discriminator_width"),
    ("--epochs=-1", "--epochs"),
    ("--pretrain_epochs=-1", "--pretrain_epochs"),
    (
      "--pretrain_epochs=0 --epochs=0",
      "--epochs or --pretrain_epochs must be positive",
    ),
    ("--discriminator_epochs=-1", "--discriminator_epochs"),
    (
      "--discriminator_epochs=2 --epochs=2",
      "--discriminator_epochs must be fewer than --epochs=2. Received: 2",
    ),
    (
      "--discriminator_epochs=2 --lambda_gan=0",
      "--discriminator_epochs needs a discriminator",
    ),
    ("--learning_rate=0", "--learning_rate=0.0: must be positive"),
    ("--learning_rate=nan", "--learning_rate=nan"),
    ("--learning_rate=inf", "--learning_rate=inf"),
    ("--learning_rate=fast", "--learning_rate"),
    ("--average=1", "--average=1.0: must be in"),
    ("--average=nan", "--average=nan"),
    ("--average=-0.1", "--average"),
    ("--average=0.9 --model=lapsrn", "--average must be 0 for --model=lapsrn"),
    ("--lambda_cx=-0.1", "--lambda_cx=-0.1: must be finite and at least 0"),
    ("--lambda_gan=nan", "--lambda_gan"),
    ("--lambda_lf=inf", "--lambda_lf"),
    ("--lambda_mse=-inf", "--lambda_mse"),
    ("--lambda_vgg=-1", "--lambda_vgg"),
    ("--lambda_texture=nan", "--lambda_texture"),
    ("--lambda_cx=0 --lambda_lf=0", "one of --lambda_cx.*must be positive"),
    ("--blur_size=20", "--blur_size=20: must be odd"),
    ("--blur_size=-3", "--blur_size"),
    ("--blur_size=1001 --crop_size=384", "--blur_size must be at most 769"),
    ("--blur_sigma=0", "--blur_sigma"),
    ("--blur_sigma=nan", "--blur_sigma"),
    ("--bandwidth=0", "--bandwidth=0.0: must be positive and finite"),
    ("--bandwidth=nan", "--bandwidth=nan"),
    ("--max_points=-1", "--max_points"),
    ("--backbone=vgg13", "--backbone"),
    ("--backbone_weights=none.npz", "--backbone_weights.*none is there"),
    ("--backbone_weights=photo.png", r"--backbone_weights.*ending in \.npz"),
    ("--backbone_weights=bundled", "backbone=vgg19, backbone_weights=bundled"),
    ("--layers=block3_conv9", "--layers must name layers of --backbone=vgg19"),
    ("--layers=", "--layers must name layers of"),
    ("--layers=block3_conv4:-1", "--layers must list NAME or NAME:WEIGHT"),
    ("--layers=block3_conv4:nan", "--layers must list NAME or NAME:WEIGHT"),
    ("--layers=block3_conv4:", "--layers must list NAME or NAME:WEIGHT"),
    ("--layers=block3_conv4:0", "--layers.*not all with weight 0"),
    ("--layers=block3_conv4,block3_conv4", "--layers.*each name once"),
    (
      "--backbone=vgg16 --backbone_weights=bundled --layers=block4_conv1",
      "--layers must name layers of --backbone_weights=bundled, up to block3_pool",
    ),
    ("--lambda_vgg=1 --vgg_layers=block9", "--vgg_layers must name"),
    ("--lambda_texture=1 --texture_layers=x:y", "--texture_layers must list"),
    (
      "--crop_size=16 --layers=block5_pool",
      "--layers: block5_pool needs images of at least 32 pixels",
    ),
    ("--model=enhancenet --vgg_layers=block6_pool", "--vgg_layers must name"),
    (
      "--mode=evaluate --lpips_heads=w.npz",
      "--lpips_weights and --lpips_heads must be given together",
    ),
    ("--mode=upscale", "--mode=upscale needs --input and --output"),
    ("--mode=upscale --input=photo.png", "needs --input and --output"),
    (
      "--mode=upscale --weights=g.keras --input=none --output=o.png",
      "--input must be an image file or a folder",
    ),
    (
      "--mode=upscale --weights=g.keras --input=photo.png --output=o.jpg",
      "--output must end in .png",
    ),
    (
      "--mode=upscale --weights=g.keras --input=photo.png --output=folder.png",
      "--output.*folder.png, which is a folder",
    ),
    (
      "--mode=upscale --weights=g.keras --input=photo.png --output=photo.png",
      "--output must not be --input",
    ),
    (
      "--mode=upscale --weights=g.keras --input=. --output=photo.png",
      "--output must be a folder",
    ),
  ],
)
def test_bad_flags_are_refused(tmp_path, monkeypatch, arguments, message):
  monkeypatch.chdir(tmp_path)
  Image.new("RGB", (8, 8)).save("photo.png")
  pathlib.Path("g.keras").write_text("Whether it is intact is seen when it is read.")
  pathlib.Path("folder.png").mkdir()
  with pytest.raises(UserError, match=f"(?s){message}"):
    _settings(*arguments.split())


@pytest.mark.parametrize(
  "name",
  [
    *("sr", "sr_quick", "ours_quick", "srresnet", "srresnet_quick", "lapsrn"),
    *("lapsrn_quick", "srgan", "srgan_quick", "enhancenet", "enhancenet_quick"),
  ],
)
def test_flagfiles_give_settings_and_yield_to_what_follows_them(name):
  path = command.ROOT / "flags" / f"{name}.flags"
  settings = _settings(f"--flagfile={path}", "--data=PHOTOS", "--seed=3")
  assert (settings.data, settings.seed) == ("PHOTOS", 3)


def test_defaults_follow_the_model_and_yield_to_what_is_given():
  ours, lapsrn = _settings(), _settings("--model=lapsrn", "--blocks=3")
  assert (ours.crop_size, ours.optimizer, ours.network.blocks) == (384, "adam", 16)
  assert (lapsrn.crop_size, lapsrn.optimizer, lapsrn.network.blocks) == (128, "sgd", 3)
  assert lapsrn.pretrain_epochs == 0
  enhancenet = _settings("--model=enhancenet", "--lambda_gan=1").objective
  assert enhancenet.vgg_layers == {"block2_pool": 0.2, "block5_pool": 0.02}
  assert enhancenet.lambda_gan == 1
  # What one list of arguments has set does not leak into the next.
  assert _settings() == ours


def test_layers_of_terms_without_weight_need_not_exist():
  _settings("--lambda_cx=0", "--layers=none", "--vgg_layers=x")
