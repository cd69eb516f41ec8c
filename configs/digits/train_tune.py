"""A training function as Ray Tune's users write it; hpo runs it as it is, and so does a Tuner of Ray's."""

import os
import tempfile

import torch
from ray import tune
from train import DEFAULTS, build_data, build_network, build_optimizer, train_epoch, validate

import hpo


def train_digits(config):
    config = {**DEFAULTS, **config}
    torch.manual_seed(0)
    loader, validation = build_data(config["batch_size"])
    second = config["second_layer_size"] if config["layers"] == 2 else 0
    network = build_network(config["fc_layer_size"], second, config["dropout"])
    optimizer = build_optimizer(network, config["optimizer"], config["learning_rate"], config["momentum"])

    begun = 0
    checkpoint = tune.get_checkpoint()
    if checkpoint:
        with checkpoint.as_directory() as folder:
            state = torch.load(os.path.join(folder, "state.pt"), weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        begun = state["epoch"]

    for epoch in range(begun, config["epochs"]):
        loss = train_epoch(network, loader, optimizer, config["augment"]["noise"])
        val_loss, val_accuracy = validate(network, *validation)
        state = {"epoch": epoch + 1, "network": network.state_dict(), "optimizer": optimizer.state_dict()}
        with tempfile.TemporaryDirectory() as folder:
            torch.save(state, os.path.join(folder, "state.pt"))
            tune.report(
                {"loss": loss, "val_loss": val_loss, "val_accuracy": val_accuracy},
                checkpoint=tune.Checkpoint.from_directory(folder),
            )


if __name__ == "__main__":
    train_digits(hpo.config())  # where a script for Ray alone makes a Tuner
