#!/bin/sh
# Migrates Temporal's two PostgreSQL databases to the schema of this version of
# Temporal. It is safe to run at every start: existing data is kept. Server and password come from POSTGRES_SEEDS,
# POSTGRES_USER and SQL_PASSWORD.
set -eu

schemas=${TEMPORAL_SCHEMAS:-/etc/temporal/schema/postgresql/v12}

tool() {
  database=$1
  shift
  temporal-sql-tool --plugin postgres12 --endpoint "$POSTGRES_SEEDS" --port "${POSTGRES_PORT:-5432}" \
    --user "$POSTGRES_USER" --database "$database" "$@"
}

for part in temporal visibility; do
  database=temporal
  if [ "$part" = visibility ]; then database=temporal_visibility; fi
  tool "$database" create
  tool "$database" setup-schema --version 0.0 # only marks a database that has no version yet
  tool "$database" update-schema --schema-dir "$schemas/$part/versioned"
done
