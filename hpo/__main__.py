"""`python -m hpo`, or this file by its path: the same as `hpo`, whatever modules the working directory holds.

A queue.py or token.py there would stand before Python's own, which hpo and Ray need.
"""

import os  # loaded since Python's start, like sys
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def _leave_folder() -> None:
    """Take the folder that Python put first off its path; hpo itself may have been found there."""
    if not (getattr(sys.flags, "safe_path", False) or sys.flags.isolated):
        del sys.path[0]
    sys.path.insert(0, ROOT)
    import hpo  # noqa: F401 (this very one, which loads nothing)

    del sys.path[0]
    if ROOT not in map(os.path.realpath, sys.path):
        sys.path.append(ROOT)


if __name__ == "__main__":
    _leave_folder()
    from hpo.cli.main import main

    main()
