package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTranslationKeepsPortsAndReplacesHosts(t *testing.T) {
	t.Parallel()
	tr := newTranslation("127.30.0.9",
		map[string]string{"kafka": "127.30.0.2", "kafka-1": "127.30.0.3", "postgres": "127.30.0.4", "temporal": "127.30.0.5", "s3": "127.30.0.6"},
		map[string]string{"/data": "/here/s3", "/data/inner": "/here/inner", "/etc/temporal/orak": "/repository/deploy/temporal"})
	for _, test := range []struct{ name, value, want string }{
		{"ORAK_KAFKA_BROKERS", "kafka-1:19092,kafka:19092", "127.30.0.3:19092,127.30.0.2:19092"},
		{"KAFKA_CONTROLLER_QUORUM_VOTERS", "1@kafka-1:9093,2@kafka:9093", "1@127.30.0.3:9093,2@127.30.0.2:9093"},
		{"KAFKA_LISTENERS", "INTERNAL://:19092,CONTROLLER://localhost:9093", "INTERNAL://127.30.0.9:19092,CONTROLLER://127.30.0.9:9093"},
		{"KAFKA_ADVERTISED_LISTENERS", "INTERNAL://kafka-1:19092,LOOPBACK://127.0.0.1:9092", "INTERNAL://127.30.0.3:19092,LOOPBACK://127.0.0.1:9092"},
		{"ORAK_API_ADDR", "0.0.0.0:8080", "127.30.0.9:8080"},
		{"BIND_ON_IP", "0.0.0.0", "127.30.0.9"},
		{"VGW_PORT", ":9000", "127.30.0.9:9000"},
		{"POSTGRES_SEEDS", "postgres", "127.30.0.4"},
		{"POSTGRES_USER", "temporal", "temporal"},
		{"DB", "postgres12", "postgres12"},
		{"X", "my-s3:9000 s3.example:9000", "my-s3:9000 s3.example:9000"},
		{"ORAK_MODEL_SERVER_URL", "http://s3:9000/x", "http://127.30.0.6:9000/x"},
		{"KAFKA_LOG_DIRS", "/data", "/here/s3"},
		{"X", "/data/inner/file", "/here/inner/file"},
		{"X", "/database", "/database"},
		{"DYNAMIC_CONFIG_FILE_PATH", "/etc/temporal/orak/dynamicconfig.yaml", "/repository/deploy/temporal/dynamicconfig.yaml"},
	} {
		require.Equal(t, test.want, tr.variable(test.name, test.value), test.name)
	}
	require.Equal(t, "http://127.30.0.9:9000/", tr.check("http://127.0.0.1:9000/"))
	require.Equal(t, "127.30.0.9", tr.check("localhost"))
}

func TestPropertiesFollowTheImagesRules(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a-b.c_d=3\nnode.id=1\n", properties(map[string]string{
		"KAFKA_NODE_ID": "1", "KAFKA_HEAP_OPTS": "-Xmx1g", "CLUSTER_ID": "x", "KAFKA_A___B_C__D": "3",
	}))
}
