#!/bin/sh
# Starts the S3 store with its keys from files, through the image's own entry point.
set -eu
AWS_ACCESS_KEY_ID=$(cat /run/secrets/s3_access_key)
AWS_SECRET_ACCESS_KEY=$(cat /run/secrets/s3_secret_key)
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
exec /entrypoint.sh mini -dir=/data -bucket=tuner -ip.bind=0.0.0.0 -webdav=false
