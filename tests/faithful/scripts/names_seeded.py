"""faker with a seed: the same names as in a fresh process."""

import seen
from faker import Faker

import hpo

seed = hpo.config()["seed"]
Faker.seed(seed)
fake = Faker(["en_US", "de_DE"])
hpo.report({"loss": sum(map(ord, "".join(fake.name() for _ in range(20))))})
seen.note(seeded=False)
