"""`python boot.py FD SCRIPT`: the warm parent's first words, under the user's own interpreter.

hpo need not be installed in it, nor be on its path; SCRIPT is there to be seen in lists of processes.
"""

import os
import sys


def _boot() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    if sys.path and os.path.abspath(sys.path[0]) == here:
        del sys.path[0]
    package = type(sys)("hpo.trial")
    package.__path__ = [here]
    sys.modules["hpo.trial"] = package
    from hpo.trial.generation import first

    first(int(sys.argv[1]))


if __name__ == "__main__":
    _boot()
