package servers

import (
	"errors"
	"fmt"
)

// Host is the only address on which anything listens: loopback.
const Host = "127.0.0.1"

// Namespace is the Temporal namespace of the service, the default of the temporal
// and tctl commands.
const Namespace = "default"

// Region is the region of the store.
const Region = "us-east-1"

// Config has the servers' data folder and ports.
type Config struct {
	DataDir        string `help:"Folder that holds all durable state; created if it is missing." default:".orak"`
	TemporalPort   int    `help:"Port of Temporal's gRPC frontend; 0 takes any free port." default:"7233"`
	TemporalUIPort int    `name:"temporal-ui-port" help:"Port of Temporal's Web UI; 0 takes any free port." default:"8233"`
	KafkaPort      int    `help:"Port of the Kafka broker; 0 takes any free port." default:"9092"`
	S3Port         int    `name:"s3-port" help:"Port of the S3 store; 0 takes any free port." default:"9000"`
	DynamicConfig  string `name:"temporal-dynamic-config" help:"File of Temporal's dynamic configuration, in place of the one for a single process: to try a deployment's, such as deploy/temporal/dynamicconfig.yaml."`
}

// Validate reports the first setting that cannot be used.
func (c Config) Validate() error {
	if c.DataDir == "" {
		return errors.New("data-dir: missing")
	}
	for _, p := range c.ports() {
		if *p.Number < 0 || *p.Number > 65535 {
			return fmt.Errorf("%s: %d is not a port: want 0 to 65535", p.Flag, *p.Number)
		}
	}
	return nil
}

// ports lists the settings that are ports; claiming them fills in the zeros
// of c.
func (c *Config) ports() []Port {
	return []Port{
		{Of: Temporal, Name: "Temporal", Flag: "temporal-port", Number: &c.TemporalPort},
		{Of: Temporal, Name: "the Temporal Web UI", Flag: "temporal-ui-port", Number: &c.TemporalUIPort},
		{Of: Kafka, Name: "Kafka", Flag: "kafka-port", Number: &c.KafkaPort},
		{Of: S3, Name: "the S3 store", Flag: "s3-port", Number: &c.S3Port},
	}
}

// Addresses are the addresses and paths of started servers.
type Addresses struct {
	// Temporal, Kafka and S3 are host:port. Empty for servers that do not run.
	Temporal string `json:"temporal"`
	Kafka    string `json:"kafka"`
	S3       string `json:"s3"`
	// TemporalUI is a URL.
	TemporalUI string `json:"temporal_ui"`
	// S3Credentials is the file that holds the store's access key.
	S3Credentials string `json:"s3_credentials"`
	// DataDir and Log are absolute paths.
	DataDir string `json:"data_dir"`
	Log     string `json:"log"`
}
