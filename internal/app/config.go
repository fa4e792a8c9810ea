package app

import (
	"errors"
	"time"

	"orak/activities/messages"
	"orak/api"
	"orak/bridge"
	"orak/control"
	"orak/events"
	"orak/internal/analysis"
	"orak/internal/auth"
	"orak/internal/kafka"
	"orak/internal/mattermost"
	"orak/internal/media"
	"orak/internal/modelserver"
	"orak/internal/objectstore"
	"orak/internal/observe"
	"orak/internal/schemaregistry"
	"orak/internal/temporal"
	"orak/operate/lag"
	"orak/sinks/index"
	"orak/sinks/lake"
	"orak/sinks/webhook"
	"orak/worker"
)

// Config has the settings of every role. A role reads those that it needs, so
// that one file and one environment serve every process.
type Config struct {
	Log      observe.Config      `embed:"" prefix:"log-"`
	Admin    observe.AdminConfig `embed:"" prefix:"admin-"`
	Kafka    kafka.Config        `embed:"" prefix:"kafka-"`
	Store    objectstore.Config  `embed:"" prefix:"s3-"`
	Temporal temporal.Config     `embed:"" prefix:"temporal-"`
	API      api.Config          `embed:"" prefix:"api-"`
	Auth     auth.Config         `embed:""`
	Bridge   bridge.Config       `embed:"" prefix:"bridge-"`
	Lake     lake.Config         `embed:"" prefix:"lake-"`
	Index    index.Config        `embed:"" prefix:"index-"`
	Webhooks webhook.Config      `embed:"" prefix:"webhooks-"`
	Lag      lag.Config          `embed:"" prefix:"lag-"`
	Worker   worker.Config       `embed:""`
	Media    media.Config        `embed:"" prefix:"media-"`
	Engine   analysis.Config     `embed:"" prefix:"builtin-"`
	// ModelServer is for the engines http and oip.
	ModelServer modelserver.Config `embed:"" prefix:"model-server-"`
	Alert       mattermost.Config  `embed:"" prefix:"alert-"`
	Console     messages.Console   `embed:"" prefix:"console-"`
	// SchemaRegistry is for other readers of the events.
	SchemaRegistry schemaregistry.Config `embed:"" prefix:"schema-registry-"`

	Audit   AuditConfig    `embed:"" prefix:"audit-"`
	Control control.Config `embed:"" prefix:"control-"`

	// InstanceID names the process among its replicas.
	InstanceID string `help:"A name that no other process has and that stays the same over restarts, such as a pod's name in a StatefulSet. A bridge that is back within its session timeout keeps its partitions (static membership), and traces carry the name (service.instance.id). Letters, digits, dots, dashes and underscores; empty means none." name:"instance-id"`
}

// AuditConfig says how long the records of who did what are kept.
type AuditConfig struct {
	Retention time.Duration `help:"How long the records of who did what are kept: on the topic orak.audit, which orak creates with it and does not change later, and in the index. 24h at least; 0 keeps them for ever." default:"9600h"`
}

// Validate reports a time that is too short to look at what was done.
func (c AuditConfig) Validate() error {
	if c.Retention != 0 && c.Retention < 24*time.Hour {
		return errors.New("retention: want 24h at least, or 0")
	}
	return nil
}

// topics returns the topics as the settings have them.
func (c Config) topics() []events.Topic {
	all := events.Topics()
	for i := range all {
		// 0 is a process that takes no such setting: it creates nothing.
		if all[i].Partitions > 1 && c.Kafka.Partitions > 0 {
			all[i].Partitions = c.Kafka.Partitions
		}
		if all[i].Name == events.TopicAudit {
			all[i].Retention = c.Audit.Retention
		}
	}
	return all
}

// Roles says what a process does.
type Roles struct {
	API      bool
	Bridge   bool
	Worker   bool
	Lake     bool
	Index    bool
	Webhooks bool
}

// All is every role.
func All() Roles {
	return Roles{API: true, Bridge: true, Worker: true, Lake: true, Index: true, Webhooks: true}
}

// name returns the name of the service in traces.
func (r Roles) name() string {
	switch r {
	case Roles{API: true}:
		return "orak-api"
	case Roles{Bridge: true}:
		return "orak-bridge"
	case Roles{Worker: true}:
		return "orak-worker"
	case Roles{Lake: true}:
		return "orak-lake"
	case Roles{Webhooks: true}:
		return "orak-webhooks"
	case Roles{Index: true}:
		return "orak-index"
	default:
		return "orak"
	}
}
