package app

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/events"
	"orak/internal/config"
)

func TestAuditRetentionIsThatOfTheTopic(t *testing.T) {
	t.Parallel()
	cfg := Config{Audit: config.MustDefaults[AuditConfig]()}
	require.Equal(t, events.Topics(), cfg.topics(), "the default")
	cfg.Audit.Retention = 48 * time.Hour
	for _, topic := range cfg.topics() {
		if topic.Name == events.TopicAudit {
			require.Equal(t, 48*time.Hour, topic.Retention)
		}
	}
	require.Equal(t, events.AuditRetention, events.Topics()[4].Retention, "the others' are not changed")
	for retention, valid := range map[time.Duration]bool{0: true, 24 * time.Hour: true, time.Hour: false, -1: false} {
		require.Equal(t, valid, AuditConfig{Retention: retention}.Validate() == nil, retention)
	}
}
