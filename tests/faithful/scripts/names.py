"""faker and generators that are made at import and never seeded: each trial draws others."""

import random

import numpy as np
import seen
from faker import Faker

import hpo

fake, own, numbers = Faker(), random.Random(), np.random.default_rng()

if __name__ == "__main__":
    hpo.report({"loss": hpo.config()["seed"]})
    fresh = {"name": fake.name() + fake.address(), "own": own.random(), "numbers": numbers.random()}
    seen.note(seeded=False, fresh=fresh)
