"""torch: seeds, a DataLoader with workers, a checkpoint."""

import os

import seen
import torch
from torch.utils.data import DataLoader, TensorDataset

import hpo

if __name__ == "__main__":
    seed = hpo.config()["seed"]
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(), torch.nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters())
    data = TensorDataset(torch.randn(64, 4), torch.randn(64, 1))
    for _ in range(2):
        for x, y in DataLoader(data, 16, shuffle=True, num_workers=2):
            loss = torch.nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        hpo.report({"loss": loss.item()})
    torch.save(model.state_dict(), os.path.join(os.environ["HPO_TRIAL_DIR"], "model.pt"))
    seen.settle()
    seen.note(seeded=False, draw=float(torch.rand(1)), threads=torch.get_num_threads())
