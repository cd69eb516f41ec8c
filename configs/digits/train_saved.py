"""Trains as train.py does, and saves its state by torch.save, so that a trial can stop and go on."""

import os
import tempfile

import torch
from train import DEFAULTS, build_data, build_network, build_optimizer, train_epoch, validate

import hpo


def main():
    config = {**DEFAULTS, **hpo.config()}

    torch.manual_seed(0)
    loader, validation = build_data(config["batch_size"])
    second = config["second_layer_size"] if config["layers"] == 2 else 0
    network = build_network(config["fc_layer_size"], second, config["dropout"])
    optimizer = build_optimizer(network, config["optimizer"], config["learning_rate"], config["momentum"])

    begun = 0
    saved = hpo.get_checkpoint()  # the path of a copy of what was saved last
    if saved:
        state = torch.load(saved, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        begun = state["epoch"]

    for epoch in range(begun, config["epochs"]):
        loss = train_epoch(network, loader, optimizer, config["augment"]["noise"])
        val_loss, val_accuracy = validate(network, *validation)
        row = {"loss": loss, "val_loss": val_loss, "val_accuracy": val_accuracy, "epoch": epoch}
        state = {"epoch": epoch + 1, "network": network.state_dict(), "optimizer": optimizer.state_dict()}
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "state.pt")
            torch.save(state, path)
            hpo.report(row, checkpoint=path)


if __name__ == "__main__":
    main()
