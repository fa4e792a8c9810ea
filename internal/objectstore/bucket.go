package objectstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/lifecycle"
)

// ruleID names the lifecycle rule of this package. Rules of other names belong to
// the operator and are kept.
const ruleID = "orak-abort-incomplete-uploads"

// incompleteAfter is the age at which an unfinished multipart upload counts as
// abandoned by a process that died.
const incompleteAfter = 24 * time.Hour

// EnsureBucket creates the bucket if it is missing and has the parts of unfinished
// uploads removed after a day: by a lifecycle rule of the bucket or, where the
// server does not support those, by removing abandoned parts now. Any number of
// processes may call it at once.
func (s *Store) EnsureBucket(ctx context.Context) error {
	ok, err := s.core.BucketExists(ctx, s.cfg.Bucket)
	if err != nil {
		return fmt.Errorf("looking for bucket %s: %w", s.cfg.Bucket, classify(ctx, err))
	}
	if !ok {
		err := s.core.MakeBucket(ctx, s.cfg.Bucket, minio.MakeBucketOptions{Region: s.cfg.Region})
		if err != nil && !alreadyThere(err) {
			return fmt.Errorf("creating bucket %s: %w", s.cfg.Bucket, classify(ctx, err))
		}
	}
	err = s.ensureLifecycle(ctx)
	if err == nil {
		return nil
	}
	// A server without lifecycle rules, or without permission to set them, is
	// good enough.
	s.lifecycleOnce.Do(func() {
		s.log.InfoContext(ctx, "bucket lifecycle cannot be set; removing unfinished uploads at start instead", "bucket", s.cfg.Bucket, "error", err)
	})
	if _, err := s.AbortIncomplete(ctx, time.Now().Add(-incompleteAfter)); err != nil {
		s.log.WarnContext(ctx, "unfinished uploads could not be removed", "bucket", s.cfg.Bucket, "error", err)
	}
	return nil
}

// AbortIncomplete removes the parts of unfinished multipart uploads that began
// before the given time, and returns the number of these uploads.
func (s *Store) AbortIncomplete(ctx context.Context, before time.Time) (int, error) {
	n := 0
	for m, err := range s.Multiparts(ctx, "") {
		if err != nil {
			return n, err
		}
		if !m.BegunAt.Before(before) {
			continue
		}
		if err := s.AbortMultipart(ctx, m); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func (s *Store) ensureLifecycle(ctx context.Context) error {
	lc, err := s.core.GetBucketLifecycle(ctx, s.cfg.Bucket)
	if err != nil {
		if minio.ToErrorResponse(err).Code != "NoSuchLifecycleConfiguration" {
			return fmt.Errorf("reading the bucket's lifecycle: %w", err)
		}
		lc = lifecycle.NewConfiguration()
	}
	for _, r := range lc.Rules {
		if r.ID == ruleID {
			return nil
		}
	}
	lc.Rules = append(lc.Rules, lifecycle.Rule{
		ID:     ruleID,
		Status: "Enabled",
		AbortIncompleteMultipartUpload: lifecycle.AbortIncompleteMultipartUpload{
			DaysAfterInitiation: lifecycle.ExpirationDays(incompleteAfter / (24 * time.Hour)),
		},
	})
	if err := s.core.SetBucketLifecycle(ctx, s.cfg.Bucket, lc); err != nil {
		return fmt.Errorf("setting the bucket's lifecycle: %w", err)
	}
	return nil
}

func alreadyThere(err error) bool {
	var er minio.ErrorResponse
	if !errors.As(err, &er) {
		return false
	}
	return er.StatusCode == http.StatusConflict &&
		(er.Code == minio.BucketAlreadyOwnedByYou || er.Code == minio.BucketAlreadyExists)
}
