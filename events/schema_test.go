package events

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

func schemas(t *testing.T) *jsonschema.Compiler {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	paths, err := filepath.Glob("schema/*.schema.json")
	require.NoError(t, err)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		require.NoError(t, err, path)
		id := doc.(map[string]any)["$id"].(string)
		require.NoError(t, c.AddResource(id, doc))
	}
	return c
}

func schemaOf(t *testing.T, typ Type) *jsonschema.Schema {
	t.Helper()
	name := "urn:orak:schema:lifecycle"
	if typ == UploadReceived {
		name = "urn:orak:schema:received"
	}
	s, err := schemas(t).Compile(name)
	require.NoError(t, err)
	return s
}

func TestGoldensConformToTheSchemas(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/orak.*.json")
	require.NoError(t, err)
	for _, path := range paths {
		e, err := FromRecord(readGolden(t, path).record())
		require.NoError(t, err, path)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.Data))
		require.NoError(t, err)
		require.NoError(t, schemaOf(t, e.Type).Validate(doc), path)
	}
}

// An open model could never gain a field: some producer may already use its
// name with another meaning.
func TestEveryObjectOfTheSchemasIsClosed(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("schema/*.schema.json")
	require.NoError(t, err)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		var doc any
		require.NoError(t, json.Unmarshal(data, &doc))
		requireClosed(t, path, doc)
	}
}

func requireClosed(t *testing.T, where string, node any) {
	t.Helper()
	switch node := node.(type) {
	case map[string]any:
		if node["type"] == "object" {
			require.Equal(t, false, node["additionalProperties"], where)
		}
		for key, child := range node {
			requireClosed(t, where+"/"+key, child)
		}
	case []any:
		for _, child := range node {
			requireClosed(t, where, child)
		}
	}
}

// Readers are more lenient than the schemas: a later version's field is passed
// over.
func TestReadersPassOverFieldsThatTheyDoNotKnow(t *testing.T) {
	t.Parallel()
	for _, typ := range allTypes() {
		e := sampleEvent(t, typ)
		e.Data = append([]byte(`{"added_later":{"a":[1,2]},`), e.Data[1:]...)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.Data))
		require.NoError(t, err)
		require.Error(t, schemaOf(t, typ).Validate(doc))
		read, err := FromRecord(e.Record("topic"))
		require.NoError(t, err)
		if typ == UploadReceived {
			got, err := read.Received()
			require.NoError(t, err)
			require.Equal(t, sampleUpload(), got.Upload)
			continue
		}
		got, err := read.Lifecycle()
		require.NoError(t, err)
		require.Equal(t, sampleLifecycle(typ), got)
	}
}
