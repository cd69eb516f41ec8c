"""lightning: seed_everything, a Trainer, its CSV logger and checkpoints."""

import os

import lightning as L
import seen
import torch
import wandb
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader, TensorDataset


class Model(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)

    def training_step(self, batch, index):
        loss = torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1])
        self.log("loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


if __name__ == "__main__":
    run = wandb.init()
    L.seed_everything(run.config.seed)
    data = TensorDataset(torch.randn(32, 4), torch.randn(32, 1))
    logger = CSVLogger(os.environ["HPO_TRIAL_DIR"], "csv")
    trainer = L.Trainer(
        max_epochs=2, logger=logger, enable_progress_bar=False, accelerator="cpu", log_every_n_steps=1
    )
    trainer.fit(Model(), DataLoader(data, 8, shuffle=True))
    run.log({"loss": trainer.callback_metrics["loss"].item()})
    seen.note()
