"""Surface normals of materials with the contextual loss (paper, section 5.2).

Trains a cascaded refinement network on the paper's objective,

  L_CX + 0.1 |blur(G(s)) - blur(y)|^2 + lambdaL1 |G(s) - y|_1
                                                  (supplementary, 1.2),

L_CX over 5 x 5 patches of the normal map and conv1_2 and conv2_2 of VGG19, and
measures its maps of other materials.

  python -m experiments.normals                                 # minutes, no download
  python -m experiments.normals --flagfile=normals_small.flags  # hours on two cores
  python -m experiments.normals --flagfile=normals.flags --data=FOLDER  # the paper
  python -m experiments.normals --flagfile=normals_l1_0.flags --data=FOLDER
  python -m experiments.normals --mode=evaluate --weights=NETWORK.keras --data=FOLDER
  python -m experiments.normals --mode=predict --weights=pretrained-normals \\
      --input=PHOTO --output=NORMALS.png
  tensorboard --logdir=runs

Without a flagfile, `normals_quick.flags` is read. Normals are unit vectors, x to the
right, y up (OpenGL), z towards the viewer, and in pictures (n + 1) / 2.
"""

from experiments.common.run import app
from experiments.normals import evaluate, predict, settings, train

COMMANDS = {
  "train": app.Command(
    settings.TrainSettings, train.Job.run, prepare=train.prepare, help="then evaluate."
  ),
  "evaluate": app.Command(
    settings.EvaluateSettings,
    evaluate.evaluate,
    folder="named",
    help="measures of the maps of --weights on --data.",
  ),
  "predict": app.Command(
    settings.PredictSettings,
    predict.predict,
    folder="named",
    help="normal maps of --input.",
  ),
}

if __name__ == "__main__":
  app.main("normals", COMMANDS, default_flagfile="normals_quick.flags")
