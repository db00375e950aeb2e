#!/bin/sh
# Makes the service's secrets: one random value a file, for its owner's eyes alone. What is there
# already stays as it is, so that `make up` can run again and again. docs/security.md says what each
# opens and how to change it.
#
#     sh cluster/secrets.sh [FOLDER]      # cluster/secrets by default
set -eu
umask 077
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 700 "$folder"

make_secret() {  # 256 bits in 64 hexadecimal digits; a half-written file never gets the name
    [ -s "$folder/$1" ] && return
    od -An -v -N32 -tx1 /dev/urandom | tr -d ' \n' > "$folder/.$1.new"
    mv "$folder/.$1.new" "$folder/$1"
    echo "made $folder/$1"
}

make_secret ray_token
make_secret mlflow_admin_password
make_secret mlflow_password
make_secret mlflow_secret_key
make_secret postgres_password
make_secret s3_access_key
make_secret s3_secret_key

# Made by root, they are still for the service's own user, which is never root.
if [ "$(id -u)" = 0 ]; then
    chown -R "${TUNER_UID:-1000}" "$folder"
fi
