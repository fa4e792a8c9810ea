package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"orak/control"
	"orak/events"
	"orak/internal/kafka"
	"orak/internal/objectstore"
)

// controlStore adapts the store to control.
type controlStore struct{ store *objectstore.Store }

var _ control.Store = controlStore{}

// Get implements control.Store.
func (s controlStore) Get(ctx context.Context, key string, limit int64) ([]byte, error) {
	body, info, err := s.store.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if info.Size > limit {
		return nil, fmt.Errorf("object %s has %d bytes, more than %d: %w", key, info.Size, limit, control.ErrTooLarge)
	}
	return io.ReadAll(io.LimitReader(body, limit))
}

// Put implements control.Store.
func (s controlStore) Put(ctx context.Context, key string, value []byte) error {
	_, err := s.store.Put(ctx, key, bytes.NewReader(value), objectstore.PutOptions{Size: int64(len(value)), ContentType: "application/json"})
	return err
}

// startControl starts to follow the control documents, and waits for them for a moment:
// a role that starts with them changes nothing shortly afterwards. It does not depend on
// them, since every setting has a flag.
func (a *App) startControl(ctx context.Context) error {
	a.control = control.NewView(a.cfg.Control, control.Deps{
		Kafka: a.cfg.Kafka, Store: controlStore{a.store}, Log: a.log, Metrics: a.registry(),
	})
	if err := a.control.Start(ctx); err != nil {
		return err
	}
	a.stops.add("control view", a.control.Stop)
	timer := time.NewTimer(2 * a.cfg.Control.LoadWait)
	defer timer.Stop()
	select {
	case <-a.control.Loaded():
	case <-timer.C:
	case <-ctx.Done():
	}
	a.health.Add("control", a.control.Ready)
	return nil
}

// startKeeper keeps the snapshot of the control documents.
func (a *App) startKeeper(ctx context.Context) error {
	k := control.NewKeeper(control.NewWriter(a.cfg.Kafka, a.control, a.log), controlStore{a.store}, a.log)
	if err := k.Start(ctx); err != nil {
		return err
	}
	a.stops.add("control snapshot", k.Stop)
	return nil
}

// SettingsConfig are the settings of the commands that show and change the live ones.
type SettingsConfig struct {
	Kafka   kafka.Config       `embed:"" prefix:"kafka-"`
	Store   objectstore.Config `embed:"" prefix:"s3-"`
	Control control.Config     `embed:"" prefix:"control-"`
}

// By says who changes something, for the record: the user with whom Kafka is accessed,
// and in parentheses the name that a person gave; see events.By.
func (c SettingsConfig) By(name string) string {
	if c.Kafka.User == "" {
		return events.By("", name)
	}
	return events.By("kafka/"+c.Kafka.User, name)
}

// Settings calls do with a View that has loaded, and a Writer, and disconnects
// afterwards.
func Settings(ctx context.Context, cfg SettingsConfig, log *slog.Logger, do func(*control.View, *control.Writer) error) error {
	if err := kafka.Check(ctx, cfg.Kafka); err != nil {
		return err
	}
	store, err := objectstore.New(cfg.Store, objectstore.WithLogger(log))
	if err != nil {
		return err
	}
	defer store.Close()
	v := control.NewView(cfg.Control, control.Deps{Kafka: cfg.Kafka, Store: controlStore{store}, Log: log})
	if err := v.Start(ctx); err != nil {
		return err
	}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = v.Stop(stopping) // the command has its result
	}()
	if err := v.AwaitLoaded(ctx); err != nil {
		return err
	}
	return do(v, control.NewWriter(cfg.Kafka, v, log))
}
