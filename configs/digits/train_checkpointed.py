"""Trains as train.py does, and saves its state with each report, so that a trial can pause and go on."""

import torch
from train import DEFAULTS, build_data, build_network, build_optimizer, train_epoch, validate

import hpo


def main():
    config = {**DEFAULTS, **hpo.config()}
    state = hpo.get_checkpoint()

    torch.manual_seed(0)
    loader, validation = build_data(config["batch_size"])
    second = config["second_layer_size"] if config["layers"] == 2 else 0
    network = build_network(config["fc_layer_size"], second, config["dropout"])
    optimizer = build_optimizer(network, config["optimizer"], config["learning_rate"], config["momentum"])
    if state:
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        for group in optimizer.param_groups:  # the state brings the old one
            group["lr"] = config["learning_rate"]
        torch.set_rng_state(state["random"])  # as if it had never paused

    for epoch in range(state["epoch"] if state else 0, config["epochs"]):
        loss = train_epoch(network, loader, optimizer, config["augment"]["noise"])
        val_loss, val_accuracy = validate(network, *validation)

        def save(done=epoch + 1):
            weights = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
            return {"epoch": done, "random": torch.get_rng_state(), **weights}

        row = {"loss": loss, "val_loss": val_loss, "val_accuracy": val_accuracy, "epoch": epoch}
        hpo.report(row, checkpoint=save)


if __name__ == "__main__":
    main()
