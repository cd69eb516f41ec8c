"""Calls what Ray's processes serve: intruder.py HOST TOKEN PORT… → JSON: what each call came to, by port.

TOKEN «-» stands for none. With the right one ask only what harms nobody: «--read» before the host.
"""

from __future__ import annotations

import json
import socket
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import grpc

CALLS = [
    "NodeInfoGcsService/GetAllNodeInfo",
    "InternalKVGcsService/InternalKVKeys",
    "JobInfoGcsService/AddJob",
    "NodeManagerService/GetNodeStats",
    "NodeManagerService/RequestWorkerLease",
    "ObjectManagerService/Pull",
    "CoreWorkerService/PushTask",
    "CoreWorkerService/GetCoreWorkerStats",
    "CoreWorkerService/Exit",
    "RuntimeEnvService/CreateRuntimeEnv",
    "ReporterService/GetTraceback",
    "LogService/ListLogs",
    "RayletDriver/Init",
]


def grpc_calls(host: str, port: int, token: str) -> dict[str, str]:
    found = {}
    sent = [("authorization", f"Bearer {token}")] if token != "-" else []
    with grpc.insecure_channel(f"{host}:{port}") as channel:
        for call in CALLS:
            try:
                channel.unary_unary(f"/ray.rpc.{call}")(b"", timeout=5, metadata=sent)
                found[call] = "OK"
            except grpc.RpcError as error:
                found[call] = error.code().name
            if found[call] in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
                break  # it speaks no gRPC
    return found


def http_call(host: str, port: int, token: str) -> str:
    sent = {"Authorization": f"Bearer {token}"} if token != "-" else {}
    request = urllib.request.Request(f"http://{host}:{port}/get_or_create_runtime_env", b"", sent)
    try:
        return str(urllib.request.urlopen(request, timeout=5).status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except (OSError, ValueError) as error:
        return type(error).__name__
    except Exception as error:  # what speaks no HTTP
        return type(error).__name__


def calls(host: str, port: int, token: str) -> dict[str, str]:
    try:
        socket.create_connection((host, port), 5).close()
    except OSError:
        return {"connect": "refused"}
    return {**grpc_calls(host, port, token), "http": http_call(host, port, token)}


def main() -> None:
    if sys.argv[1] == "--read":
        del sys.argv[1]
        CALLS[:] = [call for call in CALLS if "/Get" in call]
    host, token, *ports = sys.argv[1:]
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda port: calls(host, int(port), token), ports)
        print(json.dumps(dict(zip(ports, found, strict=True))))


main()
