"""Super-resolution with the contextual loss (paper, section 5.1).

Trains the generator first on mean squared error, unless it is trained already, then
on the paper's objective,

  0.1 L_CX + 1e-3 L_GAN + 10 |blur(G(s)) - blur(y)|^2   (supplementary, 1.1),

and compares it with bicubic interpolation on photographs held out of training.

  python -m experiments.sr --flagfile=sr.flags          # the paper, on DIV2K
  python -m experiments.sr --flagfile=sr_quick.flags    # minutes, embedded data, from
                                                        # pretrained-mse
  python -m experiments.sr --flagfile=sr.flags --data=PHOTOS
  python -m experiments.sr --flagfile=srgan.flags       # or srresnet, lapsrn,
                                                        # enhancenet; NAME_quick
  python -m experiments.sr --mode=evaluate --weights=GENERATOR.keras --data=PHOTOS
  python -m experiments.sr --mode=upscale --weights=pretrained-cx \\
      --input=PHOTO --output=LARGE.png
  python -m experiments.sr --mode=export --weights=pretrained-cx --output=CX.onnx
  tensorboard --logdir=runs

Images are RGB in [-1, 1] within the networks and uint8 outside of them.
"""

from absl import flags

from experiments.common.run import app, devices
from experiments.sr import evaluate, export, settings, train, upscale
from experiments.sr import flags as sr_flags


def main():
  mode = flags.FLAGS.mode
  if mode == "train":
    app.check_effect(devices.DeviceSettings, settings.TrainSettings)
    for idle, cause in sr_flags.idle():
      app.refuse(idle, cause)
    app.train(train.prepare, sr_flags.train_settings())
  elif mode == "evaluate":
    app.check_effect(settings.EvaluateSettings)
    evaluate.evaluate(sr_flags.evaluate_settings(), app.run_path() / "evaluation")
  elif mode == "upscale":
    app.check_effect(settings.UpscaleSettings)
    upscale.upscale(sr_flags.upscale_settings())
  else:
    app.check_effect(settings.ExportSettings)
    export.export(sr_flags.export_settings())


if __name__ == "__main__":
  sr_flags.define()
  app.run(main, "sr")
