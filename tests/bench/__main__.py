"""`python -m tests.bench NAME`: one benchmark, a table of things measured side by side in one go."""

from __future__ import annotations

import sys

from tests.bench import check

BENCHMARKS = {"check": check.main}


def main() -> int:
    """Run the benchmark that argv names."""
    names = sys.argv[1:]
    if len(names) != 1 or names[0] not in BENCHMARKS:
        print(f"usage: python -m tests.bench {{{','.join(BENCHMARKS)}}}", file=sys.stderr)
        return 2
    BENCHMARKS[names[0]]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
