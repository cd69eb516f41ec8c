#!/usr/bin/env bash
ray start --address "$1"
sleep infinity
