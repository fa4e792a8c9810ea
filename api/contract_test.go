package api_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"

	"orak/api"
	"orak/api/resource"
	"orak/internal/auth"
)

// document is the contract, parsed and valid.
var document = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(openapi3.NewLoader().Context)
})

var router = sync.OnceValues(func() (routers.Router, error) {
	doc, err := document()
	if err != nil {
		return nil, err
	}
	for _, mediaType := range []string{"text/event-stream", "text/csv", "application/jsonl", "application/x-ndjson"} {
		openapi3filter.RegisterBodyDecoder(mediaType, openapi3filter.PlainBodyDecoder)
	}
	return gorillamux.NewRouter(doc)
})

func contractOf(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := document()
	require.NoError(t, err)
	return doc
}

// held requires that an answer is as the contract describes it, and so was the request
// if it was accepted.
func held(t testing.TB, req *http.Request, sent []byte, r reply) {
	t.Helper()
	routes, err := router()
	require.NoError(t, err)
	preflight := req.Method == http.MethodOptions && r.status == http.StatusNoContent
	if preflight || !strings.HasPrefix(req.URL.Path, "/v1/") {
		return
	}
	if r.header.Get("Content-Encoding") == "gzip" {
		r.body = decompressed(t, r.body)
	}
	asked := req.Clone(t.Context())
	asked.URL.Scheme, asked.URL.Host = "", ""
	head := req.Method == http.MethodHead
	route, params, err := routes.FindRoute(asked)
	if head && err != nil {
		asked.Method = http.MethodGet
		route, params, err = routes.FindRoute(asked)
	}
	if err != nil {
		require.Contains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, r.status, "%s %s is not in the contract: %s", req.Method, req.URL, r.body)
		return
	}
	options := &openapi3filter.Options{
		IncludeResponseStatus: true, ExcludeResponseBody: head, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		// A recording is not judged, and the decoder of forms would want to.
		ExcludeRequestBody: !strings.HasPrefix(asked.Header.Get("Content-Type"), "application/json"),
	}
	in := &openapi3filter.RequestValidationInput{Request: asked, PathParams: params, Route: route, Options: options}
	if r.status < http.StatusMultipleChoices && sent != nil {
		asked.Body = io.NopCloser(bytes.NewReader(sent))
		require.NoError(t, openapi3filter.ValidateRequest(t.Context(), in), "%s %s was accepted", req.Method, req.URL)
	}
	require.NoError(t, openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: r.status, Header: r.header, Body: io.NopCloser(bytes.NewReader(r.body)), Options: options,
	}), "%s %s answered %d %s", req.Method, req.URL, r.status, r.body)
	if r.header.Get("Content-Type") == "application/problem+json" && !head {
		described := documentedAt(route.Operation, r.status)
		require.Contains(t, described, into[resource.Problem](t, r, r.status).Type, "%s %s: an undocumented problem", req.Method, req.URL)
	}
}

func decompressed(t testing.TB, body []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(body))
	require.NoError(t, err)
	text, err := io.ReadAll(z)
	require.NoError(t, err)
	return text
}

// sentBy returns the body of a request that can be read again, or nil.
func sentBy(req *http.Request) []byte {
	if req.GetBody == nil {
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil
	}
	sent, _ := io.ReadAll(body) // from memory
	return sent
}

// documentedAt returns the problem types of an operation's answers with a status.
func documentedAt(op *openapi3.Operation, status int) []string {
	answer := op.Responses.Value(strconv.Itoa(status))
	if answer == nil {
		return nil
	}
	return slices.Collect(maps.Keys(problemsOf(answer.Value)))
}

// problemsOf returns the example of each problem type of an answer.
func problemsOf(answer *openapi3.Response) map[string]map[string]any {
	found := map[string]map[string]any{}
	if media := answer.Content["application/problem+json"]; media != nil {
		for _, example := range media.Examples {
			p := example.Value.Value.(map[string]any)
			found[p["type"].(string)] = p
		}
	}
	return found
}

func TestContractHasEveryRoute(t *testing.T) {
	var described []string
	for path, item := range contractOf(t).Paths.Map() {
		for method, op := range item.Operations() {
			described = append(described, method+" "+path+" "+scopeOf(op))
		}
	}
	require.ElementsMatch(t, api.Described(), described)
}

// A session may do what its key may, except make credentials.
func TestContractTakesSessionsWhereverItTakesKeys(t *testing.T) {
	for path, item := range contractOf(t).Paths.Map() {
		for method, op := range item.Operations() {
			if scopeOf(op) == "" {
				continue
			}
			_, taken := (*op.Security)[len(*op.Security)-1]["session"]
			require.Equal(t, path != "/v1/upload-tokens" && path != "/v1/login-codes", taken, "%s %s", method, path)
		}
	}
}

// scopeOf returns the scope that an operation needs; "" if none.
func scopeOf(op *openapi3.Operation) string {
	if op.Security == nil || len(*op.Security) == 0 {
		return ""
	}
	scopes, bearer := (*op.Security)[0]["bearer"]
	if bearer && len(scopes) == 0 {
		return string(auth.ScopeAny)
	}
	return strings.Join(scopes, " ")
}

func TestContractHasEveryProblem(t *testing.T) {
	described := map[string][2]any{}
	for _, answer := range contractOf(t).Components.Responses {
		for kind, p := range problemsOf(answer.Value) {
			status := p["status"]
			described[strings.TrimPrefix(kind, resource.ProblemType)] = [2]any{reflect.ValueOf(status).Convert(reflect.TypeFor[int]()).Interface(), p["title"]}
		}
	}
	require.Equal(t, api.Problems(), described)
}

func TestGuideHasEveryProblem(t *testing.T) {
	guide, err := os.ReadFile("../docs/api.md")
	require.NoError(t, err)
	listed := map[string][2]any{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| (\\d+) \\| (.*) \\|$").FindAllStringSubmatch(string(guide), -1) {
		status, err := strconv.Atoi(row[2])
		require.NoError(t, err)
		listed[row[1]] = [2]any{status, row[3]}
	}
	require.Equal(t, api.Problems(), listed, "docs/api.md")
}

func TestContractExamplesAreValid(t *testing.T) {
	require.NoError(t, contractOf(t).Validate(t.Context(), openapi3.EnableExamplesValidation()))
}

// TestContractHasEveryField compares the wire types with the schemas of their names.
func TestContractHasEveryField(t *testing.T) {
	schemas := contractOf(t).Components.Schemas
	wire := wireTypes(t)
	require.NotEmpty(t, wire)
	for name := range wire {
		schema := schemas[name]
		require.NotNil(t, schema, "the contract has no schema %s", name)
		require.ElementsMatch(t, fieldsOf(wire, name), propertiesOf(schema.Value), "the fields of %s", name)
	}
}

func propertiesOf(schema *openapi3.Schema) []string {
	found := slices.Collect(maps.Keys(schema.Properties))
	for _, part := range schema.AllOf {
		found = append(found, propertiesOf(part.Value)...)
	}
	return found
}

// wireTypes returns the structs of package resource by name.
func wireTypes(t *testing.T) map[string]*ast.StructType {
	t.Helper()
	found := map[string]*ast.StructType{}
	files, err := filepath.Glob("resource/*.go")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if fields, ok := spec.Type.(*ast.StructType); ok && spec.Name.IsExported() {
					found[spec.Name.Name] = fields
				}
			}
			return true
		})
	}
	return found
}

// fieldsOf returns the JSON names of the fields of a struct, those of embedded ones
// included.
func fieldsOf(wire map[string]*ast.StructType, name string) []string {
	var found []string
	for _, field := range wire[name].Fields.List {
		if embedded, ok := field.Type.(*ast.Ident); ok && len(field.Names) == 0 {
			found = append(found, fieldsOf(wire, embedded.Name)...)
			continue
		}
		tag := reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json")
		if json, _, _ := strings.Cut(tag, ","); json != "-" {
			found = append(found, json)
		}
	}
	return found
}

func TestContractIsServed(t *testing.T) {
	b := setup(t)
	r := b.get("/v1/openapi.yaml")
	require.Equal(t, http.StatusOK, r.status)
	require.Equal(t, "application/yaml", r.header.Get("Content-Type"))
	doc, err := openapi3.NewLoader().LoadFromData(r.body)
	require.NoError(t, err)
	require.Equal(t, "3.1.0", doc.OpenAPI)
	require.Equal(t, http.StatusNotModified, b.get("/v1/openapi.yaml", header{"If-None-Match", r.header.Get("ETag")}).status)
}

// A released contract never changes; lint holds today's to each of them.
func TestReleasedContractsAreAsTheyWere(t *testing.T) {
	sums, err := os.ReadFile("released/SHA256SUMS")
	require.NoError(t, err)
	listed := 0
	for line := range strings.Lines(string(sums)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		text, err := os.ReadFile("released/" + name)
		require.NoError(t, err)
		require.Equal(t, sum, fmt.Sprintf("%x", sha256.Sum256(text)), "%s was changed", name)
		listed++
	}
	files, err := filepath.Glob("released/*.yaml")
	require.NoError(t, err)
	require.Len(t, files, listed)
}
