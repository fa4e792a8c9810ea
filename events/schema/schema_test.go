package schema_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/events/schema"
)

func TestTodaysSchemasBreakNoReleasedOne(t *testing.T) {
	t.Parallel()
	today, err := schema.Today()
	require.NoError(t, err)
	released, err := schema.Released()
	require.NoError(t, err)
	require.NotEmpty(t, released)
	for version, set := range released {
		require.Empty(t, schema.Breaks(set, today), "version %d", version)
		require.LessOrEqual(t, version, schema.Version)
	}
}

// A version that is released is today's until a schema changes, and then has the next
// number.
func TestReleasedVersionIsWhatWasReleased(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("released", strconv.Itoa(schema.Version))
	paths, err := filepath.Glob("*.schema.json")
	require.NoError(t, err)
	if _, err := os.Stat(folder); err != nil {
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.DirExists(t, filepath.Join("released", strconv.Itoa(schema.Version-1)), "versions have no gaps")
		return
	}
	for _, path := range paths {
		want, err := os.ReadFile(filepath.Join(folder, path))
		require.NoError(t, err)
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got), "%s differs from the released version %d: increment schema.Version", path, schema.Version)
	}
}

func TestReleasedSchemasAreOnlyAdded(t *testing.T) {
	t.Parallel()
	sums, err := os.Open("released/SHA256SUMS")
	require.NoError(t, err)
	defer sums.Close()
	listed := map[string]bool{}
	for lines := bufio.NewScanner(sums); lines.Scan(); {
		want, name, ok := strings.Cut(lines.Text(), "  ")
		require.True(t, ok, "want lines as sha256sum writes them")
		data, err := os.ReadFile(filepath.Join("released", name))
		require.NoError(t, err, "a released schema may not be removed")
		sum := sha256.Sum256(data)
		require.Equal(t, want, hex.EncodeToString(sum[:]), "%s may not be changed", name)
		listed[filepath.FromSlash(name)] = true
	}
	paths, err := filepath.Glob("released/*/*.json")
	require.NoError(t, err)
	for _, path := range paths {
		require.True(t, listed[strings.TrimPrefix(path, "released"+string(filepath.Separator))], "%s is not in SHA256SUMS", path)
	}
}

// song is a schema with each kind of keyword that ours have.
const song = `{
	"$id": "urn:orak:schema:song", "title": "Song", "type": "object", "additionalProperties": false,
	"required": ["id", "length"],
	"properties": {
		"id": { "$ref": "#/$defs/id" },
		"length": { "type": "number", "minimum": 0 },
		"key": { "enum": ["C", "D"] },
		"title": { "type": ["string", "null"], "maxLength": 80 },
		"notes": { "type": "array", "items": { "type": "string" } },
		"from": { "oneOf": [{ "$ref": "urn:orak:schema:place" }, { "type": "string" }] }
	},
	"$defs": { "id": { "type": "string", "pattern": "^[a-z]+$" } }
}`

const somewhere = `{ "$id": "urn:orak:schema:place", "type": "object", "properties": { "part_of": { "$ref": "urn:orak:schema:place" }, "name": { "type": "string" } } }`

func setOf(t *testing.T, docs ...string) schema.Set {
	t.Helper()
	set := schema.Set{}
	for _, text := range docs {
		var doc schema.Document
		require.NoError(t, json.Unmarshal([]byte(text), &doc))
		set[doc["$id"].(string)] = doc
	}
	return set
}

func TestCompatibleChangesBreakNothing(t *testing.T) {
	t.Parallel()
	from := setOf(t, song, somewhere)
	require.Empty(t, schema.Breaks(from, from))
	for name, change := range map[string][2]string{
		"an optional field":            {`"notes": {`, `"tempo": { "type": "number" }, "notes": {`},
		"a field of a referred schema": {`"name": {`, `"country": { "type": "string" }, "name": {`},
		"a value of an enum":           {`["C", "D"]`, `["C", "D", "E"]`},
		"a description":                {`"title": "Song"`, `"title": "A song", "description": "Sung."`},
		"a definition moves inline":    {`"$ref": "#/$defs/id"`, `"type": "string", "pattern": "^[a-z]+$"`},
	} {
		to := setOf(t, strings.Replace(song, change[0], change[1], 1), strings.Replace(somewhere, change[0], change[1], 1))
		require.NotEqual(t, from, to, name)
		require.Empty(t, schema.Breaks(from, to), name)
	}
	require.Empty(t, schema.Breaks(setOf(t, somewhere), from), "a schema is added")
}

func TestEachKindOfBreakIsReported(t *testing.T) {
	t.Parallel()
	from := setOf(t, song, somewhere)
	for name, test := range map[string]struct{ old, new, want string }{
		"a field is removed":                   {`"key": { "enum": ["C", "D"] },`, ``, "urn:orak:schema:song: the field key was removed"},
		"a field is renamed":                   {`"key": {`, `"tonic": {`, "the field key was removed"},
		"a field becomes required":             {`["id", "length"]`, `["id", "length", "key"]`, "the field key is required, which earlier data lacks"},
		"a field is no longer promised":        {`["id", "length"]`, `["id"]`, "the field length is no longer promised"},
		"a type is narrowed":                   {`["string", "null"]`, `"string"`, "/title: type was [string null], and is string"},
		"a type is widened":                    {`{ "type": "array"`, `{ "type": ["array", "null"]`, "/notes: type was array"},
		"a type is another":                    {`"type": "number"`, `"type": "integer"`, "/length: type was number, and is integer"},
		"a value is removed":                   {`["C", "D"]`, `["C"]`, "/key: the value D was removed"},
		"a bound is lower":                     {`"maxLength": 80`, `"maxLength": 40`, "/title: maxLength was 80, and is 40"},
		"a bound is dropped":                   {`, "maxLength": 80`, ``, "/title: lost maxLength"},
		"a bound is added":                     {`"items": { "type": "string" }`, `"items": { "type": "string", "minLength": 1 }`, "/notes/items: gained minLength"},
		"a definition changes":                 {`^[a-z]+$`, `^[0-9]+$`, "/id: pattern was"},
		"a referred schema changes":            {`"name": { "type": "string" }`, `"name": { "type": "number" }`, "/name: type was string, and is number"},
		"an object opens":                      {`"additionalProperties": false,`, ``, "lost additionalProperties"},
		"an alternative is added":              {`{ "type": "string" }] }`, `{ "type": "string" }, { "type": "null" }] }`, "/from/oneOf: had 2 alternatives, and has 3"},
		"an alternative changes":               {`{ "type": "string" }] }`, `{ "type": "number" }] }`, "/from/oneOf/1: type was string"},
		"a reference leads nowhere":            {`"#/$defs/id"`, `"#/$defs/none"`, "/id: refers to what does not exist"},
		"a keyword that nobody has thought of": {`"title": "Song"`, `"title": "Song", "propertyNames": { "maxLength": 3 }`, "gained propertyNames"},
	} {
		to := setOf(t, strings.Replace(song, test.old, test.new, 1), strings.Replace(somewhere, test.old, test.new, 1))
		require.NotEqual(t, from, to, name)
		breaks := schema.Breaks(from, to)
		require.NotEmpty(t, breaks, name)
		require.Contains(t, strings.Join(breaks, "\n"), test.want, name)
	}
	require.Equal(t, []string{"urn:orak:schema:place: the schema was removed"}, schema.Breaks(setOf(t, somewhere), schema.Set{}))
}

// Two fields may refer to one definition, and have different keywords beside it.
func TestBreakBesideARepeatedReferenceIsReported(t *testing.T) {
	t.Parallel()
	const two = `{ "$id": "urn:orak:schema:two", "properties": { "a": { "$ref": "#/$defs/id" }, "b": { "$ref": "#/$defs/id" } }, "$defs": { "id": { "type": "string" } } }`
	narrowed := strings.Replace(two, `"b": { "$ref"`, `"b": { "maxLength": 3, "$ref"`, 1)
	require.Equal(t, []string{"urn:orak:schema:two/b: gained maxLength"}, schema.Breaks(setOf(t, two), setOf(t, narrowed)))
}

func TestSchemasNameWhatTheyReferTo(t *testing.T) {
	t.Parallel()
	today, err := schema.Today()
	require.NoError(t, err)
	require.ElementsMatch(t, []string{schema.ID("upload"), schema.ID("analysis")}, today[schema.ID(schema.Lifecycle)].References())
	require.Empty(t, today[schema.ID("upload")].References())
	for id, doc := range today {
		for _, other := range doc.References() {
			require.Contains(t, today, other, id)
		}
	}
}
