"""What `ray start` calls in a job (RAY_START_HOOK): leaves out processes that a sweep has no use for."""

from __future__ import annotations

from typing import Any

from hpo.engine.idle_services import kill_dashboard_server


def plain(parameters: Any, head: bool) -> None:
    """Leave out the server for Ray's client, whose port is the same in all jobs, and what no sweep uses.

    That is the autoscaler's monitor, the log monitor, and without HPO_DASHBOARD the dashboard's server.
    """
    parameters.ray_client_server_port = None
    parameters.no_monitor = True
    parameters.include_log_monitor = False
    if head and not parameters.include_dashboard:
        kill_dashboard_server()
