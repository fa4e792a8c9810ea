package secure

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
)

// WrongSetting is a connection that does not work until an operator changes a setting,
// or what it refers to.
type WrongSetting struct {
	// Name is that of the setting's flag, such as "kafka-tls-ca".
	Name string
	// Reason says what is wrong, for operators.
	Reason string
	// Err is the cause; it may be nil.
	Err error
}

// Error implements error.
func (w *WrongSetting) Error() string {
	text := fmt.Sprintf("check %s (%s): %s", w.Name, envName(w.Name), w.Reason)
	if w.Err != nil {
		text += ": " + w.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (w *WrongSetting) Unwrap() error { return w.Err }

// IsWrongSetting reports whether err is, or wraps, a *WrongSetting.
func IsWrongSetting(err error) bool {
	var w *WrongSetting
	return errors.As(err, &w)
}

// envName mirrors how package config derives the name of a variable.
func envName(flag string) string {
	return "ORAK_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Settings names the settings of a connection in errors.
type Settings struct {
	// Prefix begins the names of the settings in Files, such as "kafka-".
	Prefix string
	// Address and Host are the names of the settings with the server's address, and
	// with the name that its certificate must have. TLS is that of the setting that
	// turns TLS on.
	Address, Host, TLS string
}

// Explain returns a *WrongSetting if TLS failed for a reason that only an operator can
// remove, and otherwise nil.
func (s Settings) Explain(err error) *WrongSetting {
	var (
		known   *WrongSetting
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		plain   tls.RecordHeaderError
		remote  *net.OpError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.As(err, &unknown):
		return &WrongSetting{s.Prefix + "tls-ca", "the server's certificate is not from one of its authorities", err}
	case errors.As(err, &host):
		return &WrongSetting{s.Host, "the server's certificate is for another name", err}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return &WrongSetting{s.Address, "the certificate of that server has expired, or the clock of this machine is wrong", err}
	case errors.As(err, &invalid):
		return &WrongSetting{s.Prefix + "tls-ca", "the server's certificate is not valid", err}
	case errors.As(err, &plain):
		return &WrongSetting{s.TLS, "the server does not speak TLS", err}
	case errors.As(err, &remote) && remote.Op == "remote error":
		return s.refusal(remote)
	default:
		return nil
	}
}

// refusal explains an alert of the server. Most are about the client's certificate. It
// returns nil for any other, such as an internal error or a damaged record: a server that
// starts or fails sends those, too, and its next connection may work. So does a gateway
// that does not yet know a name.
func (s Settings) refusal(alert *net.OpError) *WrongSetting {
	for text, reason := range map[string]string{
		"certificate required":          "the server requires a client certificate",
		"unknown certificate authority": "the server does not know the authority of the client certificate",
		"expired certificate":           "the server says that the client certificate has expired",
		"revoked certificate":           "the server says that the client certificate was revoked",
		"bad certificate":               "the server refuses the client certificate, or requires one",
		"unknown certificate":           "the server refuses the client certificate",
		"unsupported certificate":       "the server refuses this kind of client certificate",
		"access denied":                 "the server refuses the client certificate",
		"handshake failure":             "the server refuses the handshake, perhaps for want of a client certificate",
	} {
		if strings.HasSuffix(alert.Err.Error(), text) {
			return &WrongSetting{s.Prefix + "tls-cert", reason, alert}
		}
	}
	for text, reason := range map[string]string{
		"protocol version not supported": "the server refuses the version of TLS",
		"no application protocol":        "the server does not speak the protocol of this address",
		"insufficient security level":    "the server refuses the ciphers of TLS",
	} {
		if strings.HasSuffix(alert.Err.Error(), text) {
			return &WrongSetting{s.TLS, reason, alert}
		}
	}
	return nil
}
