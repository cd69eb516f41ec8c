"""`python -m tests.bench NAME`: one benchmark, its rows measured side by side, a table, the goals."""

from __future__ import annotations

import argparse
import importlib
import sys

from tests.bench.table import Options

BENCHMARKS = {
    "check": "CPU time of hpo check",
    "trials": "trials a second beside other tools",
    "reports": "what logged rows cost",
    "scale": "what a trial costs the driver as a run grows",
    "startup": "seconds to the first trial and to exit",
    "suggest": "what a suggestion costs after many trials",
    "regret": "how far from the minimum each search ends, beside Optuna and Ray",
    "tensorboard": "what TensorBoard's files cost, beside Ray's logger",
    "report": "seconds and bytes of a report",
    "nodes": "how busy the slots of one, two and four nodes are kept",
}


def main() -> int:
    """Run the benchmark that argv names; 1 where a row could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    commands = parser.add_subparsers(dest="name", required=True)
    for name, text in BENCHMARKS.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--quick", action="store_true", help="tiny sizes: does it work at all")
        command.add_argument("--no-peers", action="store_true", help="leave out rows that only compare")
        command.add_argument("--repeats", type=int, help="how often each row is measured")
        if name == "regret":
            command.add_argument("--seeds", type=int, help="how many searches of each kind")
            command.add_argument("--trials", type=int, help="trials of a search")
    chosen = parser.parse_args()
    seeds, trials = getattr(chosen, "seeds", None), getattr(chosen, "trials", None)
    options = Options(chosen.quick, not chosen.no_peers, chosen.repeats, seeds, trials)
    importlib.import_module(f"tests.bench.{chosen.name}").main(options)
    return 1 if options.failed else 0


if __name__ == "__main__":
    sys.exit(main())
