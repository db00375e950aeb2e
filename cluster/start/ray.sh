#!/bin/sh
# Starts a node of the Ray cluster, `head` or `worker`, and stays with it. Every port is fixed, so
# that a firewall or a network policy can name them.
#
#     RAY_HEAD        name or address of the head (head)
#     RAY_OBJECT_STORE_BYTES  shared memory for objects; trials pass hardly any (300 MB)
#     WORKER_CPUS     trials that a worker runs at once, at one CPU each (2)
#     WORKER_GPUS     GPUs of a worker (0)
#     MLFLOW_PASSWORD_FILE    what the drivers, which run on the head, log in to MLflow with
#     S3_ACCESS_KEY_FILE, S3_SECRET_KEY_FILE  where sweeps lie in a bucket
set -eu
head=${RAY_HEAD:-head}

read_secret() {  # NAME FILE, if there is one
    [ -n "$2" ] || return 0
    value=$(cat "$2")
    export "$1=$value"
}

read_secret AWS_ACCESS_KEY_ID "${S3_ACCESS_KEY_FILE:-}"
read_secret AWS_SECRET_ACCESS_KEY "${S3_SECRET_KEY_FILE:-}"

if [ "$1" = head ]; then
    read_secret MLFLOW_TRACKING_PASSWORD "${MLFLOW_PASSWORD_FILE:-}"
    # By the address that the others know: Ray's own guess asks for the way out to the internet,
    # and a closed network has none. No CPUs, so no trials; it is busy enough with the drivers.
    address=$(python -c 'import socket, sys; print(socket.gethostbyname(sys.argv[1]))' "$head")
    set -- --head --port=6379 --node-ip-address="$address" --num-cpus=0 --num-gpus=0 \
        --dashboard-host=0.0.0.0 --dashboard-port=8265 --ray-client-server-port=10001
    python -m tuner.on_head restore &  # when it is up, what a lost head was at work on goes on
else
    set -- --address="$head:6379" \
        --num-cpus="${WORKER_CPUS:-2}" --num-gpus="${WORKER_GPUS:-0}"
fi

exec ray start "$@" \
    --node-manager-port=6380 \
    --object-manager-port=6381 \
    --runtime-env-agent-port=6382 \
    --dashboard-agent-grpc-port=6383 \
    --metrics-export-port=6384 \
    --dashboard-agent-listen-port=52365 \
    --min-worker-port=10002 --max-worker-port=10999 \
    --object-store-memory="${RAY_OBJECT_STORE_BYTES:-300000000}" \
    --disable-usage-stats \
    --block
