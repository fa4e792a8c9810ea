package lake

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/internal/app/lakestore"
	"orak/internal/objectstore"
	"orak/sinks/lake"
	"orak/test/stack"
)

// pythonEnv names a Python with the packages of requirements.txt.
const pythonEnv = "ORAK_DUCKDB_PYTHON"

// duck is a DuckDB.
type duck struct {
	t  *testing.T
	mu sync.Mutex
	in *json.Encoder
	// out has an answer a line.
	out *bufio.Scanner
}

// startDuck starts a DuckDB that has the views of the document, on the lake in bucket.
func startDuck(t *testing.T, s *stack.Servers, bucket string) *duck {
	t.Helper()
	python := os.Getenv(pythonEnv)
	require.NotEmpty(t, python, "run go tool task test:lake, which sets "+pythonEnv)
	cmd := exec.Command(python, "ask.py")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, in.Close())
		require.NoError(t, cmd.Wait())
	})
	d := &duck{t: t, in: json.NewEncoder(in), out: bufio.NewScanner(out)}
	d.out.Buffer(nil, 16<<20)
	_, secret, found := strings.Cut(documented(t, "duckdb", bucket)[0], "LOAD httpfs;\n") // which is loaded by its path
	require.True(t, found)
	_, err = d.ask(strings.NewReplacer("'orak'", "'"+s.S3AccessKey+"'", "'secret'", "'"+s.S3SecretKey+"'", "127.0.0.1:9000", s.S3).Replace(secret))
	require.NoError(t, err)
	return d
}

// ask returns the rows of a query. It may be called concurrently, one after the other.
func (d *duck) ask(sql string) ([][]any, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.in.Encode(sql); err != nil {
		return nil, err
	}
	if !d.out.Scan() {
		return nil, d.out.Err()
	}
	var answer struct {
		Rows  [][]any `json:"rows"`
		Error string  `json:"error"`
	}
	if err := json.Unmarshal(d.out.Bytes(), &answer); err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, sqlError(answer.Error)
	}
	return answer.Rows, nil
}

// sqlError is what DuckDB says.
type sqlError string

func (e sqlError) Error() string { return string(e) }

func openLake(t *testing.T) (s *stack.Servers, bucket string, store lake.Store) {
	t.Helper()
	s = stack.Start(t)
	bucket = s.Bucket(t)
	opened, err := objectstore.New(objectstore.Config{Endpoint: s.S3, AccessKey: s.S3AccessKey, SecretKey: s.S3SecretKey, Bucket: bucket})
	require.NoError(t, err)
	t.Cleanup(opened.Close)
	return s, bucket, lakestore.New(opened)
}

// documented returns the SQL of docs/lake.md that is marked for an engine, one for each
// block, on the lake in bucket.
func documented(t *testing.T, engine, bucket string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/lake.md")
	require.NoError(t, err)
	for _, part := range strings.Split(string(text), "<!-- "+engine+" -->\n```sql\n")[1:] {
		sql, _, found := strings.Cut(part, "```")
		require.True(t, found)
		blocks = append(blocks, strings.ReplaceAll(sql, "s3://orak/", "s3://"+bucket+"/"))
	}
	return blocks
}

// createViews runs the views of the document; the lake must have files.
func createViews(t *testing.T, d *duck, bucket string) {
	t.Helper()
	_, err := d.ask(documented(t, "duckdb", bucket)[1])
	require.NoError(t, err)
}
