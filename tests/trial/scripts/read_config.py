"""Every way to read and write wandb.config. The sweep sets lr and net."""

import argparse

import wandb


def attempt(action):
    try:
        return action()
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0].replace('wandb.sdk.wandb_config.', '')}"


print(attempt(lambda: wandb.config.lr), attempt(lambda: wandb.config["lr"]))
run = wandb.init(config={"lr": 9, "net": {"a": 1, "w": 5}, "free": 1, "pair": (1, 2)}, project="p")
config = wandb.config
print(dict(config), config is run.config, type(config.net).__name__, config.pair)
config.lr = 5
config["net"] = {}
config.update({"lr": 7, "new": 1})
print(config.lr, config["net"]["w"], config.new)
print(attempt(lambda: config.update({"free": 2, "unset": 1})), "unset" in config)
print(attempt(lambda: setattr(config, "free", 2)), config.free)
config.update({"free": 3}, allow_val_change=True)
config.update(argparse.Namespace(lr=1, layers=2, act=print))
print(config.free, config.layers, config.act, config.lr)
print(attempt(lambda: config["nope"]), hasattr(config, "nope"), getattr(config, "nope", 4))
print(config.get("nope"), config.get("nope", 3), "lr" in config, "nope" in config)
config.setdefaults({"lr": 3, "fresh": 1, "--dash": 2})
print(config.lr, config.fresh, config.dash, sorted(config.keys()), sorted(dict(**config)))
print(sorted(key for key, _ in config.items()), config.as_dict()["net"])
print(attempt(lambda: config.update(7)))
wandb.log({"loss": config.lr})
