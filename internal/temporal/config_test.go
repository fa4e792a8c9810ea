package temporal

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func valid() Config {
	return Config{Address: "127.0.0.1:7233", Namespace: "songs", WebUI: "http://ui:8233/", DialTimeout: time.Second, Retention: 720 * time.Hour}
}

func TestLinksOpenInTheWebUI(t *testing.T) {
	t.Parallel()
	c := valid()
	require.Equal(t, "http://ui:8233/namespaces/songs/workflows/upload-1/run-1/history", c.WorkflowURL("upload-1", "run-1"))
	require.Equal(t, "http://ui:8233/namespaces/songs/workflows/upload-1", c.WorkflowURL("upload-1", ""))
	require.Equal(t, "http://ui:8233/namespaces/songs/workflows?query=OrakStatus%3D%27x%27", c.QueryURL("OrakStatus='x'"))
	c.WebUI = ""
	require.Empty(t, c.WorkflowURL("upload-1", "run-1"))
	require.Empty(t, c.QueryURL("x"))
}

func TestConfigValidateRefusesInvalidSettings(t *testing.T) {
	t.Parallel()
	require.NoError(t, valid().Validate())
	for name, change := range map[string]func(*Config){
		"address":      func(c *Config) { c.Address = "nowhere" },
		"namespace":    func(c *Config) { c.Namespace = "" },
		"web-ui":       func(c *Config) { c.WebUI = "ui:8233" },
		"dial-timeout": func(c *Config) { c.DialTimeout = 0 },
		"retention":    func(c *Config) { c.Retention = time.Hour },

		"tls-ca":          func(c *Config) { c.CA = "ca.pem" },
		"tls-key":         func(c *Config) { c.TLS, c.Cert = true, "cert.pem" },
		"tls-server-name": func(c *Config) { c.TLSServerName = "x" },
		"api-key":         func(c *Config) { c.APIKey = "sent in clear" },
	} {
		c := valid()
		change(&c)
		require.ErrorContains(t, c.Validate(), name)
	}
}
