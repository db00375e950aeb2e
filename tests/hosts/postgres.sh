#!/bin/sh
# What the entry point of PostgreSQL's image does with the same environment: makes the database once,
# with the password from its file, and starts the server for everybody on the network who knows it.
set -eu
data=/var/lib/postgresql/data
bin=$(dirname "$(ls /usr/lib/postgresql/*/bin/initdb | tail -n 1)")
as_postgres="setpriv --reuid postgres --regid postgres --clear-groups"
chown postgres "$data" && chmod 700 "$data"
if [ ! -s "$data/PG_VERSION" ]; then
    install -m 600 -o postgres "$POSTGRES_PASSWORD_FILE" /tmp/password
    $as_postgres "$bin/initdb" -D "$data" -U "$POSTGRES_USER" --pwfile=/tmp/password \
        --encoding=UTF8 --auth-local=trust --auth-host=scram-sha-256 --no-sync >/dev/null
    rm /tmp/password
    echo 'host all all all scram-sha-256' >> "$data/pg_hba.conf"
    [ "$POSTGRES_DB" = "$POSTGRES_USER" ] && echo "CREATE DATABASE \"$POSTGRES_DB\"" |
        $as_postgres "$bin/postgres" --single -D "$data" postgres >/dev/null
fi
exec $as_postgres "$bin/$1" -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp
