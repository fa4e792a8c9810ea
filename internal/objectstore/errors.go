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

	"github.com/minio/minio-go/v7"

	"orak"
)

// ErrBodySize means that the body was longer or shorter than PutOptions.Size.
// Nothing was stored.
var ErrBodySize = errors.New("the body does not have the declared length")

// classify turns what minio-go returned into fs.ErrNotExist for an absent
// object, fs.ErrExist where IfAbsent found one, the context's error where the caller gave up, or a Fault. A time limit of our own
// that ran out is the store's silence, although net/http says of it that it is
// context.DeadlineExceeded. Whatever says that the store as a whole does
// not serve us (network, 5xx, throttling, credentials, a missing bucket) is
// ClassDependency: it would hit every other object too.
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
	if isNetwork(err) {
		return unavailable(err)
	}
	return err
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
	case minio.NoSuchBucket:
		return refused("The object store has no bucket for this service.", "check s3-bucket (ORAK_S3_BUCKET)", er)
	case minio.AccessDenied, "InvalidAccessKeyId", "XAdminUserNotFound", "SignatureDoesNotMatch": // the third is versitygw's
		return refusedKey(er)
	case "RequestTimeTooSkewed":
		return refused("The object store refuses the service's clock.", "set this machine's clock", er)
	case "SlowDown", "RequestTimeout", "XMinioServerNotInitialized",
		// What was sent is sound: it was damaged or cut off on its way.
		"BadDigest", "IncompleteBody", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch":
		return unavailable(er)
	}
	switch {
	case er.StatusCode == http.StatusPreconditionFailed:
		return fs.ErrExist
	case er.StatusCode == http.StatusForbidden, er.StatusCode == http.StatusUnauthorized:
		return refusedKey(er)
	case er.StatusCode >= http.StatusInternalServerError, er.StatusCode == http.StatusTooManyRequests:
		return unavailable(er)
	}
	return &orak.Fault{Class: orak.ClassInternal, Message: "The object store refused the request.", Err: er}
}

// isBusy recognizes a server that was in its own way, although nothing is
// wrong with the request: S3's answer to writes that conflict, and that of
// servers which keep objects as files, where one request makes the folder
// that another one, which emptied it, is removing.
func isBusy(err error) bool {
	code := minio.ToErrorResponse(err).Code
	return code == "OperationAborted" || code == "ExistingObjectIsDirectory"
}

func isNetwork(err error) bool {
	var (
		urlErr *url.Error
		netErr net.Error
	)
	return errors.As(err, &urlErr) || errors.As(err, &netErr) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// refused is a store that answers and does not serve us because of a setting.
// It would fail every upload, so it is an outage like any other; message is for
// owners of uploads, check for operators.
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
