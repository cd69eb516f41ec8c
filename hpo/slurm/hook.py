"""What `ray start` calls in a job (RAY_START_HOOK): leaves out processes that a sweep has no use for."""

from __future__ import annotations

from typing import Any

from hpo.engine.idle_services import end_dashboard_server


def plain(parameters: Any, head: bool) -> None:
    """No server for Ray's client, whose port is the same in all jobs, no autoscaler, no copies of logs."""
    parameters.ray_client_server_port = None
    parameters.no_monitor = True
    parameters.include_log_monitor = False
    if head and not parameters.include_dashboard:  # HPO_DASHBOARD asks for it
        end_dashboard_server()
