package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"orak/events"
	"orak/test/accounts"
	"orak/test/stack"
)

// restoreDrills lose what a server keeps, and bring back what can be brought back, as
// docs/runbooks/disaster.md says.
func restoreDrills() []drill {
	return []drill{
		{
			name: "postgres-backup", about: "PostgreSQL is lost, with Temporal's databases and the index, and restored from a base backup",
			promises: "every upload has its result, once; what Temporal forgot is started again from Kafka",
			blow:     restorePostgres, fails: true,
			account: func(_ *scene, all []*accounts.Upload, seen *accounts.Seen) []accounts.Result {
				return accounts.CheckRestored(all, seen, accounts.Gone{Workflows: true})
			},
		},
		{
			name: "postgres-lost", about: "PostgreSQL is lost, with Temporal's databases and the index, and there is no backup",
			promises: "every upload has its result, once; the index is made anew, without songs",
			blow:     replacePostgres, fails: true,
			account: func(_ *scene, all []*accounts.Upload, seen *accounts.Seen) []accounts.Result {
				return accounts.CheckRestored(all, seen, accounts.Gone{Workflows: true})
			},
		},
		{
			name: "kafka-lost", about: "the data of all three brokers is lost, while some uploads are announced and not started",
			promises: "every upload has its result, once; keys and settings are those of before",
			blow:     replaceKafka, fails: true,
			account: func(_ *scene, all []*accounts.Upload, seen *accounts.Seen) []accounts.Result {
				return accounts.CheckRestored(all, seen, accounts.Gone{Records: true})
			},
		},
		{
			name: "store-restored", about: "the store is lost, and restored from a copy",
			promises: "nothing is lost but what was stored after the copy was made",
			blow:     restoreStore, fails: true, reruns: true, account: accountForStore,
		},
	}
}

// hold ends services and keeps them down until release.
func (s *scene) hold(ctx context.Context, signal syscall.Signal, names ...string) (release func(context.Context) error, err error) {
	ctx, cancel := context.WithTimeout(ctx, back)
	defer cancel()
	var releases []func() error
	for _, name := range names {
		s.say("%s is stopped", name)
		one, err := s.Hold(ctx, name, signal)
		if err != nil {
			return nil, err
		}
		releases = append(releases, one)
	}
	return func(ctx context.Context) error {
		var failed error
		for i := range releases {
			failed = errors.Join(failed, releases[i]())
		}
		for _, name := range names {
			failed = errors.Join(failed, s.healthy(ctx, name, 0))
			s.say("%s runs again", name)
		}
		return failed
	}, nil
}

// restart ends a service in order, and returns once it is healthy again.
func (s *scene) restart(ctx context.Context, names ...string) error {
	for _, name := range names {
		before, err := s.Signal(name, syscall.SIGTERM)
		if err != nil {
			return err
		}
		if err := s.healthy(ctx, name, before.PID); err != nil {
			return err
		}
		s.say("%s was restarted", name)
	}
	return nil
}

// volume is the folder with the data of a service, which has one.
func (s *scene) volume(name string) (string, error) {
	service, err := s.Service(name)
	if err != nil {
		return "", err
	}
	for _, folder := range service.Volumes {
		return folder, nil
	}
	return "", fmt.Errorf("%s has no volume", name)
}

// lose removes the data of services, which must not run.
func (s *scene) lose(names ...string) error {
	for _, name := range names {
		folder, err := s.volume(name)
		if err == nil {
			err = empty(folder)
		}
		if err != nil {
			return fmt.Errorf("losing the data of %s: %w", name, err)
		}
		s.say("the data of %s is lost", name)
	}
	return nil
}

// empty removes all that is in a folder.
func empty(folder string) error {
	entries, err := os.ReadDir(folder)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(folder, e.Name())))
	}
	return err
}

// copyInto copies all that is in a folder into another, with owners and the attributes
// in which the store keeps what it knows of its objects.
func copyInto(ctx context.Context, from, to string) error {
	if out, err := exec.CommandContext(ctx, "cp", "-a", from+"/.", to).CombinedOutput(); err != nil {
		return fmt.Errorf("copying %s: %w: %s", from, err, out)
	}
	return nil
}

// backup makes an empty folder for a backup, beside the data of a service, so that
// whoever runs the service can read it.
func (s *scene) backup(name string) (folder string, remove func(), err error) {
	data, err := s.volume(name)
	if err != nil {
		return "", nil, err
	}
	folder, err = os.MkdirTemp(filepath.Dir(data), "backup-")
	if err != nil {
		return "", nil, fmt.Errorf("making a folder for the backup: %w", err)
	}
	return folder, func() { _ = os.RemoveAll(folder) }, nil // it is within the rehearsal's data
}

// restorePostgres takes a base backup, goes on for a while, and then has to use it.
func restorePostgres(ctx context.Context, s *scene) error {
	folder, remove, err := s.backup("postgres")
	if err != nil {
		return err
	}
	defer remove()
	began := time.Now()
	if err := s.baseBackup(ctx, folder); err != nil {
		return err
	}
	s.note("a base backup took %.1f s", time.Since(began).Seconds())
	accounts.Pause(ctx, s.down)
	s.note("PostgreSQL was lost %.0f s after its backup began", time.Since(began).Seconds())
	err = s.replaceDatabase(ctx, func() error {
		data, err := s.volume("postgres")
		if err != nil {
			return err
		}
		return copyInto(ctx, folder, data)
	})
	if err != nil {
		return err
	}
	return s.startAgain(ctx)
}

// replacePostgres begins with an empty database.
func replacePostgres(ctx context.Context, s *scene) error {
	if err := s.replaceDatabase(ctx, func() error { return nil }); err != nil {
		return err
	}
	return s.startAgain(ctx)
}

// replaceDatabase loses PostgreSQL. Temporal must not run while it is replaced: it
// remembers what the database no longer has.
func (s *scene) replaceDatabase(ctx context.Context, fill func() error) error {
	startPostgres, err := s.hold(ctx, syscall.SIGKILL, "postgres")
	if err != nil {
		return err
	}
	startTemporal, err := s.hold(ctx, syscall.SIGKILL, "temporal")
	if err != nil {
		return err
	}
	if err := errors.Join(s.lose("postgres"), fill()); err != nil {
		return err
	}
	if err := startPostgres(ctx); err != nil {
		return err
	}
	// The schema is that of the backup, or has to be made.
	if err := s.job(ctx, "temporal-schema"); err != nil {
		return err
	}
	if err := startTemporal(ctx); err != nil {
		return err
	}
	// They make the namespace, the search attributes and the schedule, and read the index
	// anew.
	return s.restart(ctx, "worker", "worker-gpu", "bridge", "webhooks", "index", "api")
}

// startAgain starts what Temporal does not know from the retained topic, and brings the
// index up to date from the store.
func (s *scene) startAgain(ctx context.Context) error {
	out, err := s.orak(ctx, "replay", "--from-offset", "0", "--yes")
	if err != nil {
		return err
	}
	s.note("orak replay: %s", summary(out))
	out, err = s.as(ctx, "index", "orak", "index", "rebuild")
	s.note("orak index rebuild: %s", summary(out))
	return err
}

// summary is the end of what a command says, in one line.
func summary(text string) string {
	const lines = 3
	all := strings.Split(strings.TrimSpace(text), "\n")
	all = all[max(0, len(all)-lines):]
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return strings.Join(all, "; ")
}

// baseBackup copies PostgreSQL's data as it is at one moment, while it runs.
func (s *scene) baseBackup(ctx context.Context, folder string) error {
	postgres, err := s.Service("postgres")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(filepath.Dir(postgres.Command[0]), "pg_basebackup"),
		"--host", postgres.Address, "--username", setting(postgres, "POSTGRES_USER"), "--checkpoint", "fast", "--pgdata", folder)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+setting(postgres, "POSTGRES_PASSWORD"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_basebackup: %w: %s", err, out)
	}
	data, err := s.volume("postgres")
	if err != nil {
		return err
	}
	return ownLike(data, folder)
}

// ownLike gives a folder and all in it to the owner of another.
func ownLike(other, folder string) error {
	info, err := os.Stat(other)
	if err != nil {
		return fmt.Errorf("finding an owner: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("finding an owner: not on this system")
	}
	return filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(owner.Uid), int(owner.Gid))
	})
}

// setting is a variable in the environment of a service.
func setting(s stack.Service, name string) string {
	for _, entry := range s.Env {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// job runs the command of a service that ends by itself, again.
func (s *scene) job(ctx context.Context, name string) error {
	service, err := s.Service(name)
	if err != nil {
		return err
	}
	_, err = s.as(ctx, name, service.Command[0], service.Command[1:]...)
	return err
}

// as runs a command with the environment of a service.
func (s *scene) as(ctx context.Context, name, program string, args ...string) (string, error) {
	service, err := s.Service(name)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = slices.Concat(os.Environ(), service.Env, []string{"HOME=" + os.TempDir(), "TMPDIR=" + os.TempDir()})
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s %s as %s: %w: %s", program, strings.Join(args, " "), name, err, out)
	}
	return string(out), nil
}

// replaceKafka begins with three empty brokers. The bridge is stopped a moment before,
// so that some uploads are announced and not started.
func replaceKafka(ctx context.Context, s *scene) error {
	const unread = 5 * time.Second
	keys, err := s.orak(ctx, "keys", "list", "--json")
	if err != nil {
		return err
	}
	began := time.Now()
	startBridge, err := s.hold(ctx, syscall.SIGKILL, "bridge")
	if err != nil {
		return err
	}
	accounts.Pause(ctx, unread)
	startBrokers, err := s.hold(ctx, syscall.SIGKILL, brokers...)
	if err != nil {
		return err
	}
	s.note("%d uploads were announced in the last %.0f s and not started", len(s.load.taken(began, time.Now())), time.Since(began).Seconds())
	startLake, err := s.hold(ctx, syscall.SIGTERM, "lake")
	if err != nil {
		return err
	}
	if err := errors.Join(s.lose(brokers...), s.moveLake()); err != nil {
		return err
	}
	if err := startBrokers(ctx); err != nil {
		return err
	}
	// Each makes the topics that are missing when it starts.
	if err := errors.Join(startBridge(ctx), startLake(ctx), s.restart(ctx, "worker", "worker-gpu", "webhooks", "index", "api")); err != nil {
		return err
	}
	if err := s.inSync(ctx); err != nil {
		return err
	}
	now, err := s.orak(ctx, "keys", "list", "--json")
	if err != nil {
		return err
	}
	if now != keys {
		return fmt.Errorf("the keys are others than before: %s, before %s", now, keys)
	}
	out, err := s.orak(ctx, "replay", "--from-store", "--since", "1h", "--yes")
	s.note("orak replay --from-store: %s", summary(out))
	return err
}

// moveLake moves the lake away: rows of the new topics have the offsets of the old.
func (s *scene) moveLake() error {
	objects, err := s.volume("s3")
	if err != nil {
		return err
	}
	lake := filepath.Join(objects, bucket, "lake")
	return os.Rename(lake, lake+"-until-"+time.Now().UTC().Format("20060102T150405"))
}

const bucket = "orak"

// restoreStore copies the store, goes on for a while, and then has to use the copy.
func restoreStore(ctx context.Context, s *scene) error {
	folder, remove, err := s.backup("s3")
	if err != nil {
		return err
	}
	defer remove()
	objects, err := s.volume("s3")
	if err != nil {
		return err
	}
	s.copied = time.Now()
	// Objects come and go while they are copied, as with any copy of a bucket in use.
	if err := copyInto(ctx, objects, folder); err != nil {
		s.say("while copying: %v", err)
	}
	s.note("a copy of the store took %.1f s", time.Since(s.copied).Seconds())
	accounts.Pause(ctx, s.down)
	startStore, err := s.hold(ctx, syscall.SIGKILL, "s3")
	if err != nil {
		return err
	}
	s.lost = time.Now()
	s.note("the store was lost %.0f s after the copy was begun", s.lost.Sub(s.copied).Seconds())
	if err := errors.Join(s.lose("s3"), copyInto(ctx, folder, objects)); err != nil {
		return err
	}
	if err := startStore(ctx); err != nil {
		return err
	}
	const margin = time.Minute
	since := s.copied.Add(-margin).UTC().Format(time.RFC3339)
	// Files of the lake that came after the copy are gone, and are made again.
	startLake, err := s.hold(ctx, syscall.SIGTERM, "lake")
	if err != nil {
		return err
	}
	_, err = s.orak(ctx, "offsets", "reset", "--group", events.GroupLake, "--topic", events.TopicLifecycle, "--to-time", since, "--yes")
	if err := errors.Join(err, startLake(ctx)); err != nil {
		return err
	}
	// What had ended by then may have lost its result, and is run again; what has lost its
	// recording is dead-lettered.
	out, err := s.orak(ctx, "replay", "--since", since, "--force", "--yes")
	s.note("orak replay: %s", summary(out))
	return err
}

// accountForStore leaves out the uploads whose recordings are gone, after it has compared
// them with the time of the copy.
func accountForStore(s *scene, all []*accounts.Upload, seen *accounts.Seen) []accounts.Result {
	gone := accounts.Result{Promise: "only what was stored after the copy was begun is gone"}
	s.gone = map[string]bool{}
	between := map[string]bool{}
	for _, one := range s.load.taken(s.copied, s.lost) {
		between[one.Name] = true
	}
	var kept []*accounts.Upload
	for _, u := range all {
		if u.ID == "" || seen.Recordings[u.ID] || !between[u.Name] {
			kept = append(kept, u)
			continue
		}
		s.gone[u.Name] = true
		gone.Hold(true, "")
		delete(seen.Announced, u.ID) // it was, and is not expected any more
	}
	return append(accounts.CheckRestored(kept, seen, accounts.Gone{Rerun: true}), gone)
}
