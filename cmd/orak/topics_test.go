package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/api/resource"
)

func ailingTopics() resource.Topics {
	rate, even, none := 2.0, 1.5, 0.0
	return resource.Topics{
		WindowSeconds: 60,
		Topics: []resource.Topic{
			{Name: "orak.audit", Missing: true},
			{Name: "orak.control", Error: "TOPIC_AUTHORIZATION_FAILED"},
			{Name: "orak.lifecycle", PerSecond: &none, Partitions: []resource.TopicPartition{{Leader: 1, Replicas: 1, InSync: 1, PerSecond: &none}}},
			{
				Name: "orak.uploads", PerSecond: &rate, Imbalance: &even, UnderReplicated: 1,
				Partitions: []resource.TopicPartition{
					{Partition: 0, Leader: 1, Replicas: 3, InSync: 3, End: 120, PerSecond: &rate},
					{Partition: 1, Leader: 2, Replicas: 3, InSync: 2, End: 40, PerSecond: &none},
					{Partition: 2, Leader: -1, Replicas: 3, InSync: 3},
				},
				Risks: []resource.TopicRisk{{
					Code: "min-insync-replicas", Have: "1", Want: "2", Meaning: "A record may be acknowledged that only one broker has.",
					Mend: "kafka-configs.sh --bootstrap-server kafka-1:9092 --alter --entity-type topics --entity-name orak.uploads --add-config min.insync.replicas=2",
				}},
			},
		},
	}
}

// Rates take the server two looks: the command asks again until they are there.
func TestTopicsAreAskedForUntilTheirRatesAreKnown(t *testing.T) {
	t.Parallel()
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		topics := ailingTopics()
		if asked++; asked == 1 {
			topics.WindowSeconds = 0
		}
		if err := json.NewEncoder(w).Encode(topics); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	con, out, _ := testConsole(80)
	cmd := topicsCmd{remote: here()}
	cmd.Config.Server, cmd.JSON = server.URL, true
	require.NoError(t, cmd.Run(context.Background(), con))
	require.Equal(t, 2, asked)
	var printed resource.Topics
	require.NoError(t, json.Unmarshal(out.Bytes(), &printed))
	require.Equal(t, ailingTopics(), printed)
}
