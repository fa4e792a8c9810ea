package events

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
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

func compiled(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	name = "urn:orak:schema:" + name
	s, err := schemas(t).Compile(name)
	require.NoError(t, err)
	return s
}

func TestGoldensConformToTheSchemas(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/orak.*.json")
	require.NoError(t, err)
	for _, path := range paths {
		r := readGolden(t, path).record()
		e, err := FromRecord(r)
		require.NoError(t, err, path)
		requireConforms(t, path, compiled(t, schemaOf(r.Topic, e.Type)), e.Data)
		if strings.Contains(path, "structured") {
			requireConforms(t, path, compiled(t, "structured"), r.Value)
		}
	}
	paths, err = filepath.Glob("testdata/notification.*.json")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		requireConforms(t, path, compiled(t, "notification"), readGolden(t, path).record().Value)
	}
}

func requireConforms(t *testing.T, path string, s *jsonschema.Schema, data []byte) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err, path)
	require.NoError(t, s.Validate(doc), path)
}

// openSchema reports whether the shape is defined by others, who may add fields.
func openSchema(path string) bool {
	name := filepath.Base(path)
	return name == "notification.schema.json" || name == "structured.schema.json"
}

// An open schema could never gain a field, since a producer may already use its
// name with another meaning.
func TestEveryObjectOfOurSchemasIsClosed(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("schema/*.schema.json")
	require.NoError(t, err)
	for _, path := range paths {
		if openSchema(path) {
			continue
		}
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
		if node["type"] == "object" && !strings.HasSuffix(where, "/properties/metadata") { // the caller's own
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

// Readers are more lenient than the schemas: they ignore the fields of a later
// version.
func TestReadersIgnoreUnknownFields(t *testing.T) {
	t.Parallel()
	for _, typ := range allTypes() {
		e := sampleEvent(t, typ)
		e.Data = append([]byte(`{"added_later":{"a":[1,2]},`), e.Data[1:]...)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.Data))
		require.NoError(t, err)
		require.Error(t, compiled(t, schemaOf(TopicLifecycle, typ)).Validate(doc))
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
