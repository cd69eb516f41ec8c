"""pillow, imageio, OpenCV: pictures that a setup opens and that are decoded by and by."""

import cv2
import imageio.v3 as iio
import numpy as np
import seen
from PIL import Image

import hpo


def setup():
    return Image.open("data/frames.tiff"), [Image.open(f"data/{i}.png") for i in range(8)]


if __name__ == "__main__":
    seed = hpo.config()["seed"]
    frames, pictures = hpo.setup_value() or setup()
    lost = 0
    for i in map(int, np.random.default_rng(seed).permutation(40)):
        frames.seek(i)
        lost += int(np.asarray(frames)[0, 0]) != i
    lost += seen.wrong((i, np.asarray(one)[0, 0, 0]) for i, one in enumerate(pictures))
    lost += int(iio.imread(f"data/{seed % 8}.png")[0, 0, 0]) != seed % 8
    blurred = cv2.GaussianBlur(cv2.imread(f"data/{seed % 8}.png"), (5, 5), 0)
    hpo.report({"loss": lost, "blurred": float(blurred.mean())})
    seen.note(seeded=False)
