package events

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.yaml.in/yaml/v3"

	"orak/events/schema"
)

// asyncAPI is what the tests read of asyncapi.yaml.
type asyncAPI struct {
	AsyncAPI string
	Info     struct{ Version string }
	Channels map[string]struct {
		Address  string
		Messages map[string]reference
		Bindings struct {
			Kafka struct {
				Partitions         int32
				TopicConfiguration map[string]int64 `yaml:"topicConfiguration"`
			}
		}
	}
	Operations map[string]struct {
		Action  string
		Channel reference
	}
	Components struct {
		Messages map[string]struct {
			Name             string
			Headers, Payload reference
		}
		Schemas map[string]struct {
			Required   []string
			Properties map[string]any
		}
	}
}

type reference struct {
	Ref string `yaml:"$ref"`
}

// name returns the last step of a reference to a component.
func (r reference) name() string { return path.Base(r.Ref) }

func readAsyncAPI(t *testing.T) (doc asyncAPI) {
	t.Helper()
	data, err := os.ReadFile("asyncapi.yaml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(data, &doc))
	return doc
}

func TestAsyncAPIHasEveryTopicTypeAndSchema(t *testing.T) {
	t.Parallel()
	doc := readAsyncAPI(t)
	require.Equal(t, "3.0.0", doc.AsyncAPI)
	require.Equal(t, strconv.Itoa(schema.Version), doc.Info.Version)
	topics := map[string]Topic{}
	for _, topic := range Topics() {
		if topic.Name != TopicControl && topic.Name != TopicAudit { // they have no events
			topics[topic.Name] = topic
		}
	}
	documented := map[string][]string{}
	for _, channel := range doc.Channels {
		topic, known := topics[channel.Address]
		require.True(t, known, channel.Address)
		require.Equal(t, topic.Partitions, channel.Bindings.Kafka.Partitions)
		require.Equal(t, topic.Retention.Milliseconds(), channel.Bindings.Kafka.TopicConfiguration["retention.ms"])
		for name, ref := range channel.Messages {
			message, ok := doc.Components.Messages[ref.name()]
			require.True(t, ok, ref.Ref)
			require.Equal(t, name, ref.name())
			documented[channel.Address] = append(documented[channel.Address], message.Name)
			if channel.Address == TopicDeadLetters {
				continue
			}
			require.Equal(t, "./schema/"+schemaOf(channel.Address, Type(message.Name))+".schema.json", message.Payload.Ref)
			require.FileExists(t, filepath.FromSlash(message.Payload.Ref))
			require.Equal(t, "envelope", message.Headers.name())
		}
	}
	var lifecycle []string
	for _, typ := range LifecycleTypes() {
		lifecycle = append(lifecycle, string(typ))
	}
	require.ElementsMatch(t, lifecycle, documented[TopicLifecycle])
	require.ElementsMatch(t, []string{string(UploadReceived), string(Canceled), string(Erased)}, documented[TopicUploads])
	require.Len(t, documented[TopicDeadLetters], 1)
	require.Len(t, documented, len(topics), "every topic is documented")
	for name, operation := range doc.Operations {
		require.Contains(t, doc.Channels, operation.Channel.name(), name)
	}
}

// Each header that a record has is in the document, and those that it calls required
// are in each record.
func TestAsyncAPIHasEveryHeader(t *testing.T) {
	t.Parallel()
	doc := readAsyncAPI(t)
	check := func(schemaName string, own func(string) bool, records ...*kgo.Record) {
		headers := doc.Components.Schemas[schemaName]
		used := map[string]bool{}
		for _, r := range records {
			has := map[string]bool{}
			for _, h := range r.Headers {
				if own(h.Key) {
					require.Contains(t, headers.Properties, h.Key)
					has[h.Key], used[h.Key] = true, true
				}
			}
			for _, key := range headers.Required {
				require.True(t, has[key], "%s is required", key)
			}
		}
		require.Len(t, headers.Properties, len(used), "%s documents a header that no record has", schemaName)
	}
	var all []*kgo.Record
	for _, typ := range allTypes() {
		topic := TopicLifecycle
		if typ == UploadReceived {
			topic = TopicUploads
		}
		all = append(all, sampleEvent(t, typ).Record(topic))
	}
	check("envelope", func(string) bool { return true }, all...)
	omitted := sampleDeadLetter(t)
	omitted.Origin.Omitted = 2 << 20
	check("cause", func(key string) bool { return strings.HasPrefix(key, "orak-dlq-") },
		sampleDeadLetter(t).Record(), sampleSecondLetter(t).Record(), omitted.Record())
}

// A schema is JSON, which a document in YAML may refer to as it is.
func TestSchemasAreJSON(t *testing.T) {
	t.Parallel()
	for _, name := range []string{schema.Received, schema.Cancellation, schema.Erasure, schema.Lifecycle} {
		text, err := schema.Text(name)
		require.NoError(t, err)
		require.True(t, json.Valid(text))
	}
}
