package objectstore

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
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
		{"the AWS_… variables", &credentials.EnvAWS{}, true},
		{"the AWS files", &credentials.FileAWSCredentials{}, true},
		{"a role", role, os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE")+os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")+os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI") != ""},
	}})
}

// place is where credentials may be.
type place struct {
	name     string
	provider credentials.Provider
	// set means that a variable or file names it.
	set bool
}

// failedFor is how long a search that failed is not repeated, and renewEvery is how often a
// key that is still valid is tried to be renewed. minio-go asks for each request.
const (
	failedFor  = time.Second
	renewEvery = 15 * time.Second
)

// errNoKey means that a place may have an access key later.
var errNoKey = errors.New("no access key can be fetched (s3-credentials)")

// search takes the credentials of the first place that has any, and stays with it as long
// as its key is valid. minio-go's own chain goes on without credentials if there are none.
//
// minio-go renews a key at 80 % of its life. If that fails, the key is used until it expires.
type search struct {
	places []place

	mu      sync.Mutex
	found   *place // nil if last has expired
	last    credentials.Value
	failure error
	again   time.Time // when a search may follow a failed one
}

var _ credentials.Provider = (*search)(nil)

// RetrieveWithCredContext implements credentials.Provider. Its error is errNoKey if a place
// may have a key later, and otherwise a *secure.WrongSetting.
func (s *search) RetrieveWithCredContext(cc *credentials.CredContext) (credentials.Value, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil && time.Now().Before(s.again) {
		return s.failed()
	}
	s.failure = s.look(cc)
	if s.failure == nil {
		return s.last, nil
	}
	s.again = time.Now().Add(failedFor)
	if left := time.Until(s.last.Expiration); s.found != nil && left > failedFor {
		s.again = time.Now().Add(min(renewEvery, left))
	}
	if cc != nil && cc.Context != nil && cc.Context.Err() != nil {
		s.again = time.Time{} // the caller gave up, which says nothing about the places
	}
	return s.failed()
}

// failed returns the last key while it is valid.
func (s *search) failed() (credentials.Value, error) {
	if s.found != nil && time.Now().Before(s.last.Expiration) {
		return s.last, nil
	}
	s.found = nil
	return credentials.Value{}, s.failure
}

// look sets found and last.
func (s *search) look(cc *credentials.CredContext) error {
	places := s.places
	if s.found != nil {
		places = []place{*s.found}
	}
	var (
		errs  []error
		later bool
	)
	for _, p := range places {
		v, err := p.provider.RetrieveWithCredContext(cc)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", p.name, err))
			later = later || p.mayHaveOneLater(err)
		case v.AccessKeyID == "" || v.SecretAccessKey == "":
			errs = append(errs, fmt.Errorf("%s: no access key", p.name))
		default:
			s.found, s.last = &p, v
			return nil
		}
	}
	if later {
		return fmt.Errorf("%w: %w", errNoKey, errors.Join(errs...))
	}
	return &secure.WrongSetting{Name: prefix + "credentials", Reason: "no place has an access key", Err: errors.Join(errs...)}
}

// passing matches the errors of minio-go for the answers of a server that will recover.
var passing = regexp.MustCompile(`^(5\d\d|429|408) `)

// mayHaveOneLater reports whether err is the failure of a server or program, and not the
// absence of a setting. A machine without roles has no metadata server at all.
func (p place) mayHaveOneLater(err error) bool {
	var (
		sts     credentials.ErrorResponse
		exit    interface{ ExitCode() int } // of a program that the AWS files name
		badXML  *xml.SyntaxError
		badJSON *json.SyntaxError
	)
	switch {
	case errors.As(err, &sts):
		code := sts.STSError.Code
		return code == "" || strings.Contains(code, "Throttl") ||
			slices.Contains([]string{"IDPCommunicationError", "InternalFailure", "InternalError", "ServiceUnavailable", "RequestLimitExceeded", "SlowDown"}, code)
	case errors.Is(err, fs.ErrNotExist): // which isNetwork would take for its own
		return false
	case isNetwork(err):
		return p.set
	default:
		return errors.As(err, &exit) || errors.As(err, &badXML) || errors.As(err, &badJSON) || passing.MatchString(err.Error())
	}
}

// Retrieve implements credentials.Provider.
func (s *search) Retrieve() (credentials.Value, error) { return s.RetrieveWithCredContext(nil) }

// IsExpired implements credentials.Provider.
func (s *search) IsExpired() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.found == nil || s.found.provider.IsExpired()
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
