import dataclasses
import pathlib

import pytest
from PIL import Image

from experiments.common.run.errors import UserError
from experiments.sr import phases, settings
from experiments.sr.__main__ import COMMANDS
from tests.experiments import in_process


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    ("--initial_weights=none.keras", "--initial_weights must be.*none.keras, where no"),
    ("--initial_weights=photo.png", r"must be a network's \.keras file.*photo.png"),
    ("--initial_weights=pretrained-xc", "must be pretrained-mse or pretrained-cx"),
    ("--crop_size=98", "--crop_size must be a multiple of --scale"),
    ("--pretrain_epochs=0 --epochs=0", "--epochs or --pretrain_epochs must be pos"),
    (
      "--discriminator_epochs=2 --epochs=2",
      "--discriminator_epochs must be fewer than --epochs=2. Received: 2",
    ),
    ("--discriminator_epochs=2 --lambda_gan=0", "_epochs needs a discriminator"),
    ("--learning_rate=nan", "--learning_rate=nan: must be positive and finite"),
    ("--average=0.9 --model=lapsrn", "--average must be 0 for --model=lapsrn"),
    ("--lambda_cx=0 --lambda_lf=0", "one of --lambda_cx.*must be positive"),
    ("--blur_size=1001 --crop_size=384", "--blur_size must be at most 769"),
    ("--backbone_weights=none.npz", "--backbone_weights.*none is there"),
    ("--backbone_weights=photo.png", r"--backbone_weights.*ending in \.npz"),
    ("--backbone_weights=bundled", "backbone=vgg19, backbone_weights=bundled"),
    ("--layers=block3_conv9", "--layers must name layers of --backbone=vgg19"),
    ("--layers=block3_conv4:nan", "--layers must list NAME or NAME:WEIGHT"),
    ("--layers=block3_conv4:0", "--layers.*not all with weight 0"),
    ("--layers=block3_conv4,block3_conv4", "--layers.*each name once"),
    (
      "--backbone=vgg16 --backbone_weights=bundled --layers=block4_conv1",
      "--layers must name layers of --backbone_weights=bundled, up to block3_pool",
    ),
    ("--lambda_vgg=1 --vgg_layers=block9", "--vgg_layers must name"),
    ("--crop_size=16 --layers=block5_pool", "block5_pool needs images of at least 32"),
    ("--mode=evaluate --lpips_heads=w.npz", "must be given together"),
    ("--mode=upscale --input=photo.png", "needs --input and --output"),
    ("--mode=upscale --input=none --output=o.png", "--input must be an image file or"),
    ("--mode=upscale --input=photo.png --output=o.jpg", "--output must end in .png"),
    ("--mode=upscale --input=photo.png --output=folder.png", "which is a folder"),
    ("--mode=upscale --input=photo.png --output=photo.png", "must not be --input"),
    ("--mode=upscale --input=. --output=photo.png", "--output must be a folder"),
    ("--mode=export", "--mode=export needs --output"),
    ("--mode=export --output=g.tflite", r"--output must end in \.onnx.*g\.tflite"),
    ("--mode=export --output=. --format=saved_model", "must be a new folder"),
  ],
)
def test_settings_that_do_not_fit_are_refused(
  tmp_path, monkeypatch, arguments, message
):
  monkeypatch.chdir(tmp_path)
  Image.new("RGB", (8, 8)).save("photo.png")
  pathlib.Path("folder.png").mkdir()
  with pytest.raises(UserError, match=message):
    in_process.settings(COMMANDS, *arguments.split())


def test_presets_are_the_values_of_their_papers_and_yield_to_what_is_given():
  ours = in_process.settings(COMMANDS)
  assert ours == settings.TrainSettings()
  assert (ours.crop_size, ours.optimizer, ours.network.blocks) == (384, "adam", 16)
  lapsrn = in_process.settings(COMMANDS, "--model=lapsrn", "--blocks=3")
  network = dataclasses.replace(settings.PRESETS["lapsrn"].network, blocks=3)
  assert lapsrn == dataclasses.replace(settings.PRESETS["lapsrn"], network=network)
  assert (lapsrn.crop_size, lapsrn.optimizer, lapsrn.pretrain_epochs) == (128, "sgd", 0)
  enhancenet = in_process.settings(COMMANDS, "--model=enhancenet", "--lambda_gan=1")
  assert enhancenet.objective.lambda_gan == 1
  assert enhancenet.objective.vgg_layers == {"block2_pool": 0.2, "block5_pool": 0.02}


@pytest.mark.parametrize(
  ("arguments", "names"),
  [
    # Layers of a term without weight need not exist.
    ("--lambda_cx=0 --layers=none --vgg_layers=x", ["low_frequency"]),
    (
      "--lambda_mse=1 --lambda_lf=0 --layers=block1_conv2 --lambda_texture=1 "
      "--texture_layers=block1_conv1",
      ["mse", "contextual", "texture"],
    ),
  ],
)
def test_terms_are_those_with_a_weight(arguments, names):
  bundled = ["--backbone=vgg16", "--backbone_weights=bundled"]
  found = in_process.settings(COMMANDS, *bundled, *arguments.split())
  assert list(phases.terms(found.objective, seed=0)) == names
