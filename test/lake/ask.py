"""Answers SQL on standard input, a JSON string a line, with a JSON object a line:
{"rows": [...]} or {"error": "..."}. httpfs is the PyPI package of DuckDB's version."""

import json
import pathlib
import sys

import duckdb
import duckdb_extension_httpfs

db = duckdb.connect()
found = sorted(pathlib.Path(duckdb_extension_httpfs.__file__).parent.rglob("*.duckdb_extension"))
db.load_extension(str(found[0]))

for line in sys.stdin:
    try:
        cursor = db.execute(json.loads(line))
        rows = cursor.fetchall() if cursor.description else []
        answer = {"rows": [[str(v) if not isinstance(v, (int, float, str, type(None))) else v for v in row] for row in rows]}
    except Exception as e:
        answer = {"error": str(e)}
    print(json.dumps(answer), flush=True)
