#!/bin/sh
# Starts the MLflow server. What MLflow and libpq take from the environment alone is read from
# files here, so that no secret is in a command line, in a URI or in the container's description.
set -eu

read_secret() {  # NAME FILE, if there is one
    [ -n "$2" ] || return 0
    value=$(cat "$2")
    export "$1=$value"
}

read_secret PGPASSWORD "$POSTGRES_PASSWORD_FILE"
read_secret MLFLOW_FLASK_SERVER_SECRET_KEY "$MLFLOW_SECRET_KEY_FILE"
read_secret AWS_ACCESS_KEY_ID "${S3_ACCESS_KEY_FILE:-}"
read_secret AWS_SECRET_ACCESS_KEY "${S3_SECRET_KEY_FILE:-}"

python cluster/start/mlflow_accounts.py
exec mlflow server --app-name basic-auth
