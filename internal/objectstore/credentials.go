package objectstore

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/encrypt"

	"orak/internal/secure"
)

// prefix begins the names of the settings.
const prefix = "s3-"

// The values of Config.Credentials and Config.SSE that need more than a constant.
const (
	fromAWS = "aws"
	sseS3   = "s3"
	sseKMS  = "kms"
)

// metadataFor bounds a request for credentials: to a role's metadata, or to STS.
const metadataFor = 3 * time.Second

func (c Config) credentials() *credentials.Credentials {
	if c.Credentials != fromAWS {
		return credentials.NewStaticV4(c.AccessKey, c.SecretKey, "")
	}
	role := &credentials.IAM{Region: c.Region, Client: &http.Client{Timeout: metadataFor}}
	if os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE") != "" {
		role.Endpoint = os.Getenv("AWS_ENDPOINT_URL_STS")
	}
	return credentials.New(&search{places: []place{
		{"the AWS_… variables", &credentials.EnvAWS{}},
		{"the AWS files", &credentials.FileAWSCredentials{}},
		{"a role", role},
	}})
}

// place is where credentials may be.
type place struct {
	name     string
	provider credentials.Provider
}

// search takes the credentials of the first place that has any. minio-go's own chain goes
// on without credentials if there are none.
type search struct {
	places []place

	mu    sync.Mutex
	found credentials.Provider
}

var _ credentials.Provider = (*search)(nil)

// RetrieveWithCredContext implements credentials.Provider. Its error is a
// *secure.WrongSetting.
func (s *search) RetrieveWithCredContext(cc *credentials.CredContext) (credentials.Value, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, p := range s.places {
		v, err := p.provider.RetrieveWithCredContext(cc)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", p.name, err))
		case v.AccessKeyID == "" || v.SecretAccessKey == "":
			errs = append(errs, fmt.Errorf("%s: no access key", p.name))
		default:
			s.found = p.provider
			return v, nil
		}
	}
	s.found = nil
	return credentials.Value{}, &secure.WrongSetting{Name: prefix + "credentials", Reason: "no place has an access key", Err: errors.Join(errs...)}
}

// Retrieve implements credentials.Provider.
func (s *search) Retrieve() (credentials.Value, error) { return s.RetrieveWithCredContext(nil) }

// IsExpired implements credentials.Provider.
func (s *search) IsExpired() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.found == nil || s.found.IsExpired()
}

// encryption returns nil if the bucket decides.
func (c Config) encryption() (encrypt.ServerSide, error) {
	switch c.SSE {
	case sseS3:
		return encrypt.NewSSE(), nil
	case sseKMS:
		kms, err := encrypt.NewSSEKMS(c.SSEKMSKey, nil)
		if err != nil {
			return nil, fmt.Errorf("making the encryption of objects: %w", err)
		}
		return kms, nil
	default:
		return nil, nil
	}
}
