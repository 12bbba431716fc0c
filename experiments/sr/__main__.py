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

from experiments.common.run import app
from experiments.sr import evaluate, export, settings, train, upscale

COMMANDS = {
  "train": app.Command(
    settings.TrainSettings,
    train.Job.run,
    prepare=train.prepare,
    base=settings.preset,
    idle=settings.idle,
    help="all phases, then all measures on held-out photographs.",
  ),
  "evaluate": app.Command(
    settings.EvaluateSettings,
    evaluate.evaluate,
    folder="named",
    help="all measures of --weights and --method on --data.",
  ),
  "upscale": app.Command(
    settings.UpscaleSettings,
    upscale.upscale,
    folder="named",
    help="enlarge --input.",
  ),
  "export": app.Command(
    settings.ExportSettings,
    export.export,
    folder="named",
    help="write --weights to --output in another --format.",
  ),
}

if __name__ == "__main__":
  app.main("sr", COMMANDS)
