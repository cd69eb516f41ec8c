"""What a module of the user's registers and opens at import: temporary folders, logs, locks, exits."""

import os

import own_module
import seen

import hpo

seed = hpo.config()["seed"]
own_module.remember(seed)
own_module.log.info("seed %s", seed)
kept = own_module.folder()
with open(os.path.join(kept, "x"), "w") as file:
    file.write(str(seed))
hpo.report(
    {"loss": seed, "kept": len(os.listdir(kept)), "seen": own_module.count(), "draw": own_module.draw(seed)}
)
seen.note(seeded=False)
