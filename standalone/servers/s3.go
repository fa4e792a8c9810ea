package servers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

// healthPath answers without a signature. It would hide a bucket of that name,
// which bucket names do not allow.
const healthPath = "/_orak_health"

// s3 is the store: every object is a file under dir/objects.
type s3 struct {
	port        int
	dir         string
	credentials Credentials
	log         *slog.Logger

	cancel context.CancelFunc
	done   chan error
}

func (s *s3) start(ctx context.Context) error {
	backend, err := s.backend()
	if err != nil {
		return err
	}
	// The gateway runs until stop, not until the end of ctx.
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel, s.done = cancel, make(chan error, 1)
	cfg := &embedgw.Config{
		RootUserAccess: s.credentials.AccessKey,
		RootUserSecret: s.credentials.SecretKey,
		// The gateway's default, which it would announce on standard
		// output.
		IAMService: auth.NewIAMServiceSingle(auth.Account{
			Access: s.credentials.AccessKey,
			Secret: s.credentials.SecretKey,
			Role:   auth.RoleAdmin,
		}),
		Region:            Region,
		Ports:             []string{address(s.port)},
		MaxConnections:    4096,
		MaxRequests:       4096,
		MultipartMaxParts: 10000,
		HealthPath:        healthPath,
		KeepAlive:         true,
		Quiet:             true,
	}
	go func() { s.done <- embedgw.RunVersityGW(run, backend, cfg) }()
	if err := waitHTTP(ctx, "http://"+address(s.port)+healthPath, s.done); err != nil {
		cancel()
		return fmt.Errorf("starting the S3 store: %w", err)
	}
	return nil
}

// backend opens the folder of objects. It changes the process's working
// directory to it, and depends on that for as long as it serves.
func (s *s3) backend() (*posix.Posix, error) {
	objects := filepath.Join(s.dir, "objects")
	if err := os.MkdirAll(objects, 0o700); err != nil {
		return nil, fmt.Errorf("making the store's folder: %w", err)
	}
	opts := posix.PosixOpts{
		CopyObjectThreshold: 5 << 30,
		// One process serves the folder: no lock file for each key.
		ForceNoObjLockFile:  true,
		ValidateBucketNames: true,
	}
	opts.SetNewDirPerm(0o700)
	opts.SetNewFilePerm(0o600)
	store, sidecar, err := s.metadata(objects)
	if err != nil {
		return nil, err
	}
	opts.SideCarDir = sidecar
	backend, err := posix.New(objects, store, opts)
	if err != nil {
		return nil, fmt.Errorf("opening the store's folder: %w", err)
	}
	return backend, nil
}

// metadata returns where the metadata of objects is kept: in extended attributes,
// or in files if the file system has none. A folder that has such files keeps
// using them.
func (s *s3) metadata(objects string) (store meta.MetadataStorer, sidecar string, err error) {
	sidecar = filepath.Join(s.dir, "meta")
	_, statErr := os.Stat(sidecar)
	if errors.Is(statErr, os.ErrNotExist) && (meta.XattrMeta{}).Test(objects) == nil {
		return meta.XattrMeta{}, "", nil
	}
	if err := os.MkdirAll(sidecar, 0o700); err != nil {
		return nil, "", fmt.Errorf("making the store's metadata folder: %w", err)
	}
	files, err := meta.NewSideCar(sidecar)
	if err != nil {
		return nil, "", fmt.Errorf("opening the store's metadata folder: %w", err)
	}
	return files, sidecar, nil
}

// stop waits briefly for requests in flight. Remaining connections are mostly those
// that clients opened and never used; an object is whole or absent, however its
// request ends.
func (s *s3) stop(ctx context.Context) error {
	s.cancel()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	select {
	case err := <-s.done:
		return err
	case <-ctx.Done():
		s.log.WarnContext(ctx, "store did not stop; it ends with the process", "reason", ctx.Err())
		return nil
	}
}

// waitHTTP returns once url answers 200, or with an error when ended is closed or
// ctx ends.
func waitHTTP(ctx context.Context, url string, ended <-chan error) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-ended:
			return fmt.Errorf("it ended at once: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
