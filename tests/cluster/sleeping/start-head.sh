#!/usr/bin/env bash
ray start --head --node-ip-address="$1" --port=6379
sleep infinity
