"""The search space as pure mathematics: distributions, sampling, the unit cube, W&B's grid."""
