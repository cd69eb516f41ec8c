"""Trials over the slots that ran them, and how busy these were."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.review.report.clock import Interval, busy_seconds
from hpo.review.report.facts import Facts, short, shorts

BARS = 1500
"""More trials than that are shown by how busy each slot was."""
BINS = 200


def workers(facts: Facts) -> dict[str, Any] | str:
    """Bars, or a map of how busy each slot was; and how many were at each time."""
    whole = facts.clock.whole
    if not facts.intervals or whole <= 0:
        return "no trial has run yet"
    spans = [
        (one, facts.clock.at(one.begin), facts.clock.at(one.end))
        for one in facts.intervals
        if one.end > one.begin
    ]
    lanes = {name: k for k, name in enumerate(facts.lanes)}
    times, done = busy_seconds([Interval(o.trial, o.lane, b, e, o.state) for o, b, e in spans])
    edges = np.linspace(0.0, whole, BINS + 1, dtype=np.float64)
    busy = np.diff(np.interp(edges, times, done)) / (whole / BINS) / len(lanes)
    total = float(done[-1]) / (whole * len(lanes))
    told = {
        "lanes": list(lanes),
        "whole": short(whole),
        "busy": shorts(list(np.round(busy, 4))),
        "utilisation": short(total),
        "each": [facts.cpus, facts.gpus],
        "hours": short(float(done[-1]) / 3600),
    }
    if len(spans) > BARS:
        said = f"{len(spans):,} runs of trials are too many to draw one by one: how busy each slot was."
        return {**told, "map": _map(spans, lanes, edges), "said": said}
    bars = [[o.trial, lanes[o.lane], short(b), short(e - b), o.state] for o, b, e in spans]
    return {**told, "bars": bars}


def _map(
    spans: list[tuple[Interval, float, float]], lanes: dict[str, int], edges: NDArray[np.float64]
) -> list[list[int]]:
    """Per cent of each bin in which a slot had a trial."""
    own: dict[int, list[Interval]] = {k: [] for k in lanes.values()}
    for one, begin, end in spans:
        own[lanes[one.lane]].append(Interval(one.trial, one.lane, begin, end, one.state))
    rows: list[list[int]] = []
    for intervals in own.values():
        times, done = busy_seconds(intervals)
        share = np.diff(np.interp(edges, times, done)) / np.diff(edges)
        rows.append([round(100 * min(1.0, float(value))) for value in share])
    return rows
