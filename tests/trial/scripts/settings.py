"""What wandb.config does with swept and other keys."""

import argparse

import wandb
from wandb.sdk.lib.config_util import ConfigError

run = wandb.init(config={"optimizer": {"momentum": 9, "lr": 7}, "own": 1, "lr": 5})
config = wandb.config
assert config["optimizer"] == {"momentum": 9, "lr": 0.1}, config
assert config.lr == config["lr"] == 2
assert config.own == 1
assert "own" in config
assert config.get("none", 3) == 3
assert set(config.keys()) >= {"lr", "own", "optimizer"}
config.update({"lr": 99, "new": 1}, allow_val_change=True)
config.lr = 98
config["lr"] = 97
config.update(argparse.Namespace(from_argparse=4, own=1))
config.setdefaults({"own": 5, "default": 6})
assert (config.lr, config.new, config.from_argparse, config.own, config.default) == (2, 1, 4, 1, 6)
assert dict(config)["optimizer"]["momentum"] == 9
assert {**config}["own"] == 1
for wrong, error in ((lambda: config.nothing, AttributeError), (lambda: config["nothing"], KeyError)):
    try:
        wrong()
    except error:
        pass
    else:
        raise AssertionError(error)
try:
    config.own = 2
except ConfigError:
    pass
else:
    raise AssertionError("an unlocked key was changed without allow_val_change")
config.update({"own": 2}, allow_val_change=True)
assert wandb.run is run
assert wandb.init() is run
assert run.config.own == 2
wandb.log({"loss": config.own})
run.finish()
assert wandb.run is None
try:
    wandb.log({"loss": 1})
except wandb.Error:
    pass
else:
    raise AssertionError("logged without a run")
