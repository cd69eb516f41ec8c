"""Every difference between hpo and `sweeps` 0.3.0, with its reason; DIFFERENCES.md is made from this table.

python -m tests.oracle.differences > tests/oracle/DIFFERENCES.md
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One difference: where it shows, what each side does, and why hpo does otherwise."""

    where: str
    wandb: str
    hpo: str
    why: str


DIFFERENCES = {
    "int_uniform at 0": Difference(
        "quantile",
        "int_uniform at u = 0 gives min - 1",
        "min",
        "a value outside of the bounds; a quirk of scipy",
    ),
    "categorical at 0": Difference(
        "quantile", "categorical at u = 0 gives the last value", "the first value", "the same quirk"
    ),
    "weighted at 1": Difference(
        "quantile",
        "categorical_w_probabilities at u = 1 gives the first value",
        "the last value that has a probability",
        "the cumulative sum never exceeds 1",
    ),
    "infinite integer": Difference(
        "quantile",
        "q_normal and q_log_normal with an integer q give -2^63 at the infinite end",
        "-inf or inf",
        "an overflow; searches stay half a step away from 0 and 1",
    ),
    "weighted cdf": Difference(
        "CDF",
        "categorical_w_probabilities takes an index and fails for values",
        "the cumulative probability of a value",
        "W&B's bayes fails there once a run exists",
    ),
    "exponent as text": Difference(
        "values",
        "the library alone keeps the text 1e-5; W&B's server reads the dumped file as YAML 1.2, a float",
        "a float, in quotes too, then with a warning",
        "the whole way through W&B is followed",
    ),
    "mixed bounds": Difference(
        "validation",
        "the client refuses an integer with a float bound; the library reads uniform",
        "uniform, with a warning",
        "the meaning is plain",
    ),
    "degenerate spread": Difference(
        "validation", "sigma 0, and beta's a or b 0, pass and give NaN", "refused", "no number comes out"
    ),
    "exponent too large": Difference(
        "validation",
        "log_uniform with large bounds gives inf",
        "refused with a hint at log_uniform_values",
        "no number comes out; the bounds are exponents",
    ),
    "whole float int": Difference(
        "validation",
        "int_uniform with bounds 2.0 and 8.0: accepted by the schema, fails in the client",
        "read as integers, with a warning",
        "the meaning is plain",
    ),
    "log deprecation": Difference(
        "validation",
        "every log_uniform, q_log_uniform and inv_log_uniform is a violation, but runs",
        "a warning only where the bounds look like values",
        "exponents are legitimate",
    ),
    "unknown top-level key": Difference(
        "validation", "a violation, and the sweep runs without it", "a warning", "the same, said plainly"
    ),
    "parameter name": Difference(
        "validation", "a name outside of the pattern is a violation, but runs", "a warning", "the same"
    ),
    "misspelt goal": Difference(
        "validation",
        "a misspelt goal is a violation, then dropped: the metric is minimised",
        "refused with a suggestion",
        "it would optimise the wrong way",
    ),
    "impute_while_running without quotes": Difference(
        "validation",
        'impute_while_running: false is a violation, for only the text "false" is known',
        "accepted",
        "YAML's false is what is meant; the key has no effect here",
    ),
    "grid of continuous": Difference(
        "validation", "valid, and fails at the first suggestion", "refused", "told before it starts"
    ),
    "needs a metric": Difference(
        "validation",
        "bayes and early_terminate without a metric are valid, and fail later",
        "refused",
        "told before it starts",
    ),
    "min_iter with max_iter": Difference(
        "validation",
        "min_iter with max_iter but no s is valid, and never stops a run",
        "rungs min_iter * eta^k below max_iter, with a warning",
        "that is what its writers expect",
    ),
    "custom method": Difference(
        "validation",
        "method custom, metrics and scheduler are valid",
        "refused",
        "they name W&B's own services",
    ),
    "nested checks": Difference(
        "validation",
        "order of bounds and sums of probabilities are not checked inside nested parameters",
        "checked at every depth",
        "the same mistakes",
    ),
}


def markdown() -> str:
    """The table as Markdown."""
    lines = [
        "# Differences from W&B's `sweeps` 0.3.0",
        "",
        "All that the differential tests know of; any other difference fails them.",
        "",
        "| what | where | W&B | hpo | why |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| {name} | {d.where} | {d.wandb} | {d.hpo} | {d.why} |" for name, d in DIFFERENCES.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
