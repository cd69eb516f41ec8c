"""hydra: a main function with a configuration of its own, logging and an output folder."""

import logging

import hydra
import seen
from hydra.core.hydra_config import HydraConfig

import hpo


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(config):
    logging.getLogger(__name__).info("seed %s", config.seed)
    hpo.report({"loss": config.seed, "own": hpo.config()["seed"]})
    seen.note(seeded=False, job=HydraConfig.get().job.name)


if __name__ == "__main__":
    main()
