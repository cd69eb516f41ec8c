"""The training scripts that are run warm and cold, with the packages that each needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parent / "scripts"


@dataclass(frozen=True)
class Case:
    """A script as its users write it, and what its sweep has beside the seed."""

    name: str
    packages: tuple[str, ...] = ()
    """Modules that must be there."""
    setup: bool = False
    """Whether the script has a function `setup` that is called once a node."""
    parameters: dict[str, Any] = field(default_factory=dict)
    command: tuple[str, ...] = ()

    @property
    def about(self) -> str:
        """The first line of the script's docstring."""
        return (SCRIPTS / f"{self.name}.py").read_text(encoding="utf-8").split('"""')[1].strip()

    def sweep(self, *, warm: bool, trials: int, slots: int) -> dict[str, Any]:
        """A sweep of `trials` seeds, its trials forked or each a Python process of its own."""
        settings: dict[str, Any] = {"concurrency": slots, "preload": "auto" if warm else "off"}
        if self.setup:
            settings["setup"] = f"{self.name}:setup"
        return {
            "program": f"{self.name}.py",
            "method": "grid",
            "metric": {"name": "loss", "goal": "minimize"},
            "parameters": {"seed": {"values": list(range(1, trials + 1))}, **self.parameters},
            **({"command": list(self.command)} if self.command else {}),
            "hpo": settings,
        }


HYDRA = ("${env}", "python", "${program}", "${args_no_hyphens}")

CASES = [
    Case("wandb_media", ("wandb", "soundfile")),
    Case("wandb_define", ("wandb",)),
    Case("files", setup=True),
    Case("database", setup=True),
    Case("pools"),
    Case("at_import"),
    Case("frames", ("pandas", "pyarrow"), setup=True),
    Case("arrow", ("pyarrow",), setup=True),
    Case("loader", ("torch",)),
    Case("boards", ("torch", "tensorboard")),
    Case("forests", ("sklearn", "joblib")),
    Case("figures", ("matplotlib",)),
    Case("pictures", ("PIL", "imageio", "cv2"), setup=True),
    Case("h5", ("h5py",), setup=True),
    Case("zarr_array", ("zarr",), setup=True),
    Case("netcdf", ("netCDF4",), setup=True),
    Case("duck", ("duckdb", "pyarrow")),
    Case("polar", ("polars", "pyarrow"), setup=True),
    Case("boosting", ("xgboost", "lightgbm")),
    Case("names", ("faker",)),
    Case("names_seeded", ("faker",)),
    Case("compiled", ("numba",)),
    Case("lightning_fit", ("lightning", "torch", "wandb")),
    Case("language", ("transformers", "accelerate", "torch")),
    Case("keras_backends", ("keras", "torch"), parameters={"backend": {"values": ["torch", "numpy"]}}),
    Case("keras_fit", ("keras", "torch", "wandb")),
    Case("hydra_main", ("hydra",), command=HYDRA),
]
