"""Trains a small network on scikit-learn's handwritten digits and logs every epoch to W&B."""

import torch
import torch.nn.functional as F  # noqa: N812 - as every torch script names it
import wandb
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

DEFAULTS = {
    "epochs": 5,
    "batch_size": 64,
    "fc_layer_size": 128,
    "layers": 1,
    "second_layer_size": 64,
    "dropout": 0.3,
    "optimizer": "adam",
    "momentum": 0.9,
    "learning_rate": 0.001,
    "augment": {"noise": 0.0},
}


def build_data(batch_size):
    digits = load_digits()
    images = torch.tensor(digits.data / 16, dtype=torch.float32)
    labels = torch.tensor(digits.target)
    order = torch.randperm(len(labels))
    kept, held_out = order[:1350], order[1350:]
    train = DataLoader(TensorDataset(images[kept], labels[kept]), batch_size=batch_size, shuffle=True)
    return train, (images[held_out], labels[held_out])


def build_network(fc_layer_size, second_layer_size, dropout):
    hidden = [nn.Linear(fc_layer_size, second_layer_size), nn.ReLU()] if second_layer_size else []
    return nn.Sequential(
        nn.Linear(64, fc_layer_size),
        nn.ReLU(),
        nn.Dropout(dropout),
        *hidden,
        nn.Linear(second_layer_size or fc_layer_size, 10),
    )


def build_optimizer(network, name, learning_rate, momentum):
    if name == "sgd":
        return torch.optim.SGD(network.parameters(), lr=learning_rate, momentum=momentum)
    return torch.optim.Adam(network.parameters(), lr=learning_rate)


def train_epoch(network, loader, optimizer, noise):
    network.train()
    total = 0.0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(network(images + noise * torch.randn_like(images)), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
    return total / len(loader.dataset)


@torch.no_grad()
def validate(network, images, labels):
    network.eval()
    scores = network(images)
    accuracy = (scores.argmax(dim=1) == labels).float().mean()
    return F.cross_entropy(scores, labels).item(), accuracy.item()


def main():
    wandb.init(project="digits", config=DEFAULTS)
    config = wandb.config

    torch.manual_seed(0)
    loader, validation = build_data(config.batch_size)
    second = config.second_layer_size if config.layers == 2 else 0
    network = build_network(config.fc_layer_size, second, config.dropout)
    weights = sum(parameter.numel() for parameter in network.parameters())
    optimizer = build_optimizer(network, config.optimizer, config.learning_rate, config.momentum)

    for epoch in range(config.epochs):
        loss = train_epoch(network, loader, optimizer, config.augment["noise"])
        val_loss, val_accuracy = validate(network, *validation)
        scores = {"val_loss": val_loss, "val_accuracy": val_accuracy, "weights": weights}
        wandb.log({"loss": loss, **scores, "epoch": epoch})


if __name__ == "__main__":
    main()
