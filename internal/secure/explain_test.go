package secure_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/internal/secure"
)

// An alert tells of a wrong setting only if no later connection can work without a change.
func TestAlertsAreWrongSettingsOnlyIfAnOperatorMustAct(t *testing.T) {
	t.Parallel()
	names := secure.Settings{Prefix: "kafka-", Address: "kafka-brokers", Host: "kafka-brokers", TLS: "kafka-tls"}
	for alert, setting := range map[uint8]string{
		40:  "kafka-tls-cert", // handshake failure
		42:  "kafka-tls-cert", // bad certificate
		44:  "kafka-tls-cert", // revoked certificate
		45:  "kafka-tls-cert", // expired certificate
		48:  "kafka-tls-cert", // unknown certificate authority
		116: "kafka-tls-cert", // certificate required
		70:  "kafka-tls",      // protocol version not supported
		71:  "kafka-tls",      // insufficient security level
		120: "kafka-tls",      // no application protocol
		10:  "",               // unexpected message
		20:  "",               // bad record MAC
		50:  "",               // decode error
		80:  "",               // internal error
		90:  "",               // user canceled
		112: "",               // unrecognized name
		255: "",               // unknown
	} {
		err := fmt.Errorf("dialing: %w", &net.OpError{Op: "remote error", Err: tls.AlertError(alert)})
		wrong := names.Explain(err)
		if setting == "" {
			require.Nil(t, wrong, "%v", err)
			continue
		}
		require.NotNil(t, wrong, "%v", err)
		require.Equal(t, setting, wrong.Name, "%v", err)
	}
}
