"""multiprocessing and concurrent.futures: fork, spawn and forkserver; shared memory; a manager."""

import multiprocessing as mp
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import shared_memory

import seen

import hpo


def square(x):
    return x * x


if __name__ == "__main__":
    seed = hpo.config()["seed"]
    results = {}
    for kind in ("fork", "spawn", "forkserver"):
        with mp.get_context(kind).Pool(2) as pool:
            results[kind] = sum(pool.map(square, range(seed)))
    for kind in (ProcessPoolExecutor, ThreadPoolExecutor):
        with kind(2) as pool:
            results[kind.__name__] = sum(pool.map(square, range(seed)))
    block = shared_memory.SharedMemory(create=True, size=64)
    block.buf[0] = seed
    results["block"] = block.buf[0]
    block.close()
    block.unlink()
    with mp.Manager() as manager:
        results["managed"] = len(manager.list(range(seed)))
    hpo.report({"loss": seed, **results})
    seen.note(seeded=False)
