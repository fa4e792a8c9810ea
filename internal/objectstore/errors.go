package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"

	"orak"
	"orak/internal/secure"
)

// ErrBodySize means that the body was longer or shorter than PutOptions.Size.
// Nothing was stored.
var ErrBodySize = errors.New("the body does not have the declared length")

// ErrChanged means that the object was replaced or removed since its ETag was read.
// Nothing was stored or read.
var ErrChanged = errors.New("the object has changed")

// classify turns an error of minio-go into fs.ErrNotExist for an absent object,
// fs.ErrExist for one that IfAbsent found, the context's error if the caller gave
// up, or a Fault. A time limit of this package that expires is an outage of the
// store, although net/http reports context.DeadlineExceeded for it. An error that
// would hit every other object, too (network, 5xx, throttling, credentials, a
// missing bucket), is ClassDependency.
func classify(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if gone := ctx.Err(); gone != nil {
		return fmt.Errorf("%w: %w", gone, err)
	}
	var er minio.ErrorResponse
	if errors.As(err, &er) {
		return classifyResponse(er)
	}
	if wrong := explain(err); wrong != nil {
		return refused("The object store cannot be used with the service's settings.", "the operator must mend a setting", wrong)
	}
	if isNetwork(err) || errors.Is(err, errNoKey) {
		return unavailable(err)
	}
	return err
}

// explain returns a *secure.WrongSetting if TLS or the search for credentials failed, and
// otherwise nil.
func explain(err error) error {
	names := secure.Settings{Prefix: prefix, Address: prefix + "endpoint", Host: prefix + "endpoint", TLS: prefix + "tls"}
	if wrong := names.Explain(err); wrong != nil {
		return wrong
	}
	// net/http recognizes an answer without TLS itself, and minio-go one that asks for it.
	if strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		return &secure.WrongSetting{Name: prefix + "tls", Reason: "the server does not speak TLS", Err: err}
	}
	return nil
}

func classifyResponse(er minio.ErrorResponse) error {
	if isBusy(er) {
		return unavailable(er)
	}
	switch er.Code {
	case minio.NoSuchKey, "NotFound":
		return fs.ErrNotExist
	case minio.PreconditionFailed, "ConditionalRequestConflict":
		return fs.ErrExist
	case "ServerSideEncryptionConfigurationNotFoundError", "KMS.NotFoundException", "KMS.DisabledException", "KMSKeyNotFoundException", "XMinioKMSKeyNotFound", "kms:KeyNotFound":
		return refused("The object store has no key to encrypt with.", "check s3-sse and s3-sse-kms-key (ORAK_S3_SSE, ORAK_S3_SSE_KMS_KEY)", er)
	case minio.NoSuchBucket:
		return refused("The object store has no bucket for this service.", "check s3-bucket (ORAK_S3_BUCKET)", er)
	case minio.AccessDenied, "InvalidAccessKeyId", "XAdminUserNotFound", "SignatureDoesNotMatch": // the third comes from versitygw
		return refusedKey(er)
	case "ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired", "InvalidClientTokenId":
		return refused("The object store refuses the service's session token.", "check s3-credentials (ORAK_S3_CREDENTIALS), and where the token is from", er)
	case "AuthorizationHeaderMalformed", minio.InvalidRegion, "PermanentRedirect", "IllegalLocationConstraintException":
		return refused("The object store is in another region.", "check s3-region and s3-endpoint (ORAK_S3_REGION, ORAK_S3_ENDPOINT)", er)
	case "RequestTimeTooSkewed":
		return refused("The object store refuses the service's clock.", "set this machine's clock", er)
	case "SlowDown", "RequestTimeout", "XMinioServerNotInitialized", "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "TooManyRequestsException",
		// The body was damaged or cut off in transit.
		"BadDigest", "IncompleteBody", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch":
		return unavailable(er)
	}
	switch {
	case strings.Contains(er.Code, "Throttl"): // also KMS.ThrottlingException
		return unavailable(er)
	case er.StatusCode < http.StatusInternalServerError && isKMS(er.Code):
		return refused("The object store cannot use its key to encrypt.", "check s3-sse and s3-sse-kms-key (ORAK_S3_SSE, ORAK_S3_SSE_KMS_KEY), and the key's state and policy", er)
	case er.StatusCode == http.StatusPreconditionFailed:
		return fs.ErrExist
	case er.StatusCode == http.StatusForbidden, er.StatusCode == http.StatusUnauthorized:
		return refusedKey(er)
	case er.StatusCode >= http.StatusInternalServerError, er.StatusCode == http.StatusTooManyRequests, er.StatusCode == http.StatusRequestTimeout,
		isUnexplained(er):
		return unavailable(er)
	}
	return &orak.Fault{Class: orak.ClassInternal, Message: "The object store refused the request.", Err: er}
}

// isKMS recognizes the codes that a store passes on from its key server. AWS answers them
// with status 400.
func isKMS(code string) bool {
	return strings.HasPrefix(code, "KMS.") || strings.HasPrefix(code, "kms:")
}

// isUnexplained recognizes a bad request without a code, in whose place minio-go puts the
// status: a HEAD with an expired token, or the answer of a proxy. Every other object would
// meet it, too.
func isUnexplained(er minio.ErrorResponse) bool {
	return er.StatusCode == http.StatusBadRequest && strings.HasPrefix(er.Code, "400")
}

// isBusy recognizes a conflict within the server, although the request is valid:
// S3's answer to conflicting writes, and the answer of servers that keep objects
// as files when one request creates a folder that another one is removing.
func isBusy(err error) bool {
	code := minio.ToErrorResponse(err).Code
	return code == "OperationAborted" || code == "ExistingObjectIsDirectory"
}

// isMismatch recognizes the answers to a put whose If-Match does not hold. A lost race
// of two such puts is a conflict.
func isMismatch(err error) bool {
	switch er := minio.ToErrorResponse(err); er.Code {
	case minio.PreconditionFailed, minio.NoSuchKey, "ConditionalRequestConflict":
		return true
	default:
		return er.StatusCode == http.StatusPreconditionFailed
	}
}

func isNetwork(err error) bool {
	var (
		urlErr *url.Error
		netErr net.Error
	)
	return errors.As(err, &urlErr) || errors.As(err, &netErr) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// refused is the Fault of a store that refuses requests because of a setting. This
// fails every upload, so it is an outage like any other. message is for the owners
// of uploads, check for operators.
func refused(message, check string, err error) error {
	return &orak.Fault{Class: orak.ClassDependency, Dependency: orak.DependencyStore, Message: message, Err: fmt.Errorf("%s: %w", check, err)}
}

func refusedKey(err error) error {
	return refused("The object store refuses the service's access key.",
		"check s3-access-key and s3-secret-key (ORAK_S3_ACCESS_KEY, ORAK_S3_SECRET_KEY), and what the key may do", err)
}

func unavailable(err error) error {
	return &orak.Fault{Class: orak.ClassDependency, Dependency: orak.DependencyStore, Message: "The object store cannot be reached.", Err: err}
}
