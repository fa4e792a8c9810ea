package stack

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"

	"orak/workflows"
)

// Servers are the addresses of real servers on loopback. The tests of a process
// share them: each takes its own namespace and bucket.
type Servers struct {
	// Temporal, Kafka and S3 are host:port; S3 speaks plain HTTP.
	Temporal string
	Kafka    string
	S3       string
	// TemporalUI is a URL.
	TemporalUI string
	// S3AccessKey and S3SecretKey have full access to the store.
	S3AccessKey string
	S3SecretKey string
	// DataDir is the servers' folder; it is removed when they end.
	DataDir string
}

// shared are the servers of this process.
var shared = sync.OnceValues(startServers)

// Start returns the servers, which the first call starts. They end with the
// test process.
func Start(t testing.TB) *Servers {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatalf("starting the servers: %v", err)
	}
	return s
}

func startServers() (*Servers, error) {
	p, err := Launch("servers", Options{Args: []string{"--remove-data", "--many-namespaces"}})
	if err != nil {
		return nil, err
	}
	return &p.Servers, nil
}

// servers adds the store's access key, which is in a file.
func (r readiness) servers() (*Servers, error) {
	s := &Servers{Temporal: r.Temporal, TemporalUI: r.TemporalUI, Kafka: r.Kafka, S3: r.S3, DataDir: r.DataDir}
	var err error
	s.S3AccessKey, s.S3SecretKey, err = ReadKeys(r.S3Credentials)
	return s, err
}

// ReadKeys reads the access key of a store from its s3-credentials.json.
func ReadKeys(path string) (access, secret string, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", "", fmt.Errorf("reading the store's access key: %w", err)
	}
	var key struct {
		AccessKey string `json:"access_key"`
		SecretKey string `json:"secret_key"`
	}
	if err := json.Unmarshal(data, &key); err != nil {
		return "", "", fmt.Errorf("reading the store's access key: %w", err)
	}
	return key.AccessKey, key.SecretKey, nil
}

// Namespace makes a Temporal namespace only for t, with the search
// attributes of the service, usable at once.
func (s *Servers) Namespace(t testing.TB) string {
	t.Helper()
	name := "test-" + unique()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c := s.Client(t, name)
	_, err := c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace:                        name,
		WorkflowExecutionRetentionPeriod: durationpb.New(30 * 24 * time.Hour),
	})
	if err != nil {
		t.Fatalf("registering a namespace: %v", err)
	}
	const keyword = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: name,
		SearchAttributes: map[string]enumspb.IndexedValueType{
			workflows.AttrStatus.GetName():  keyword,
			workflows.AttrStage.GetName():   keyword,
			workflows.AttrFailure.GetName(): keyword,
			workflows.AttrTenant.GetName():  keyword,
			workflows.AttrWebhook.GetName(): keyword,
		},
	})
	if err != nil {
		t.Fatalf("adding search attributes: %v", err)
	}
	return name
}

// Client connects to namespace, which need not exist yet. The client is
// closed at the end of t.
func (s *Servers) Client(t testing.TB, namespace string, change ...func(*client.Options)) client.Client {
	t.Helper()
	opts := client.Options{HostPort: s.Temporal, Namespace: namespace, Logger: silent{}}
	for _, c := range change {
		c(&opts)
	}
	c, err := client.NewLazyClient(opts)
	if err != nil {
		t.Fatalf("connecting to Temporal: %v", err)
	}
	t.Cleanup(c.Close)
	return c
}

// Bucket makes a bucket only for t.
func (s *Servers) Bucket(t testing.TB) string {
	t.Helper()
	name := "test-" + unique()
	if err := s.Store(t).MakeBucket(t.Context(), name, minio.MakeBucketOptions{}); err != nil {
		t.Fatalf("making a bucket: %v", err)
	}
	return name
}

// Store connects to the S3 store. Its idle connections are closed at the end of t.
func (s *Servers) Store(t testing.TB) *minio.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := minio.New(s.S3, &minio.Options{Creds: credentials.NewStaticV4(s.S3AccessKey, s.S3SecretKey, ""), Transport: transport})
	if err != nil {
		t.Fatalf("connecting to the store: %v", err)
	}
	return c
}

// unique returns a part of a name that namespaces, buckets and topics accept.
func unique() string { return strings.ToLower(rand.Text()[:16]) }

// silent drops the log of a client; the test sees its errors anyway.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
