"""transformers: a small model with a Trainer, its own seeds and checkpoints."""

import os

import seen
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed

import hpo


class Texts(torch.utils.data.Dataset):
    def __len__(self):
        return 16

    def __getitem__(self, i):
        return {"input_ids": torch.full((8,), i % 5), "labels": torch.tensor(i % 2)}


if __name__ == "__main__":
    set_seed(hpo.config()["seed"])
    settings = TrainingArguments(
        os.path.join(os.environ["HPO_TRIAL_DIR"], "out"),
        num_train_epochs=1,
        seed=hpo.config()["seed"],
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        logging_strategy="no",
        save_strategy="no",
    )
    small = BertConfig(
        vocab_size=10, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
    )
    trainer = Trainer(BertForSequenceClassification(small), settings, train_dataset=Texts())
    hpo.report({"loss": trainer.train().training_loss})
    seen.note()
