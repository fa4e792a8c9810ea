package secure

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Files are the PEM files of TLS connections to one server or cluster.
type Files struct {
	CA   string `name:"tls-ca" help:"PEM file with the certificate authorities for the server's certificate. Empty means those of the system. It is read at the start."`
	Cert string `name:"tls-cert" help:"PEM file with the client certificate (mTLS), followed by intermediate ones. It is read for each new connection, so that it can be renewed without a restart."`
	Key  string `name:"tls-key" help:"PEM file with the private key of the client certificate."`
}

// Validate returns an error for the first setting that cannot work. It reads no file.
func (f Files) Validate() error {
	if (f.Cert == "") != (f.Key == "") {
		return errors.New("tls-cert and tls-key: want both or neither")
	}
	return nil
}

// ValidateFor is Validate for a connection of which on says whether it uses TLS.
func (f Files) ValidateFor(on bool) error {
	if !on && f != (Files{}) {
		return errors.New("tls-ca, tls-cert and tls-key: they need tls")
	}
	return f.Validate()
}

// Client returns the configuration of TLS clients. prefix begins the names of the
// settings in errors, such as "kafka-". It reads all files: an error is a *WrongSetting
// for one that is missing, is not PEM, or has an expired client certificate. A client
// certificate is read again for each handshake; while that fails, the last one that was
// read is presented.
func (f Files) Client(prefix string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.CA != "" {
		roots, err := readRoots(f.CA)
		if err != nil {
			return nil, &WrongSetting{Name: prefix + "tls-ca", Reason: "cannot be used", Err: err}
		}
		cfg.RootCAs = roots
	}
	if f.Cert == "" {
		return cfg, nil
	}
	first, err := f.pair()
	if err != nil {
		return nil, &WrongSetting{Name: prefix + "tls-cert", Reason: "cannot be used with " + prefix + "tls-key", Err: err}
	}
	if first.Leaf != nil && time.Now().After(first.Leaf.NotAfter) {
		return nil, &WrongSetting{Name: prefix + "tls-cert", Reason: "the certificate has expired", Err: fmt.Errorf("%s was valid until %s", f.Cert, first.Leaf.NotAfter.Format(time.RFC3339))}
	}
	renewed := &renewing{files: f, last: first}
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return renewed.get(), nil }
	return cfg, nil
}

func readRoots(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate in PEM form", path)
	}
	return roots, nil
}

func (f Files) pair() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, err
	}
	return &pair, nil
}

// renewing is a client certificate that may be replaced at any time.
type renewing struct {
	files Files

	mu   sync.Mutex
	last *tls.Certificate
}

// get reads the certificate. The two files may be replaced one after the other, so that
// they do not fit together for a moment.
func (r *renewing) get() *tls.Certificate {
	r.mu.Lock()
	defer r.mu.Unlock()
	if pair, err := r.files.pair(); err == nil {
		r.last = pair
	}
	return r.last
}
