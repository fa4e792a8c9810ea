package servers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/membership/static"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
	sqliteschema "go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"
	"google.golang.org/protobuf/types/known/durationpb"

	"orak/workflows"
)

// Retention is how long closed workflows are remembered. It must be longer
// than Kafka's retention of uploads: a redelivered record starts no second
// workflow only while the first is remembered.
const Retention = 30 * 24 * time.Hour

const clusterName = "active"

// temporalServer is the real server, its four services in this process.
type temporalServer struct {
	port int
	dir  string
	// dynamicConfig is Config.DynamicConfig; many is Options.ManyNamespaces.
	dynamicConfig string
	many          bool
	log           *slog.Logger
	// fatal ends the process; the server calls it if it cannot continue.
	fatal func(msg string)

	server temporal.Server
}

func (t *temporalServer) start(ctx context.Context) error {
	settings, err := dynamicConfig(t.dynamicConfig, t.many)
	if err != nil {
		return err
	}
	db, visibility, err := t.databases()
	if err != nil {
		return err
	}
	namespace, err := orakNamespace()
	if err != nil {
		return err
	}
	if err := sqliteschema.CreateNamespaces(db, namespace); err != nil {
		return fmt.Errorf("registering the Temporal namespace: %w", err)
	}
	services, hosts, err := t.services()
	if err != nil {
		return err
	}
	t.server, err = temporal.NewServer(
		temporal.WithConfig(t.config(db, visibility, services)),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts),
		temporal.WithDynamicConfigClient(settings),
		temporal.WithLogger(temporalLog{log: t.log, fatal: t.fatal}),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper {
			return authorization.NewNoopClaimMapper()
		}),
	)
	if err != nil {
		return fmt.Errorf("assembling the Temporal server: %w", err)
	}
	if err := t.startWithin(ctx); err != nil {
		return fmt.Errorf("starting the Temporal server: %w", err)
	}
	return nil
}

// startWithin bounds the server's Start, which takes no context.
func (t *temporalServer) startWithin(ctx context.Context) error {
	started := make(chan error, 1)
	go func() { started <- t.server.Start() }()
	select {
	case err := <-started:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stop gives up on a server that does not end, which then ends with the process:
// it waits for every open connection, and everything that it has acknowledged is
// in the database.
func (t *temporalServer) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- t.server.Stop() }()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
		t.log.WarnContext(ctx, "server did not stop; it ends with the process", "reason", ctx.Err())
		return nil
	}
}

// database is the configuration of the SQLite file called name. It has one
// connection: with more, statements fail with SQLITE_BUSY. In WAL mode with
// synchronous 1 a commit survives the process, but perhaps not a loss of power.
func (t *temporalServer) database(name string) *config.SQL {
	return &config.SQL{
		PluginName: sqliteplugin.PluginName,
		// SQLite parses it as part of a URI.
		DatabaseName: (&url.URL{Path: filepath.Join(t.dir, name)}).EscapedPath(),
		MaxConns:     1,
		MaxIdleConns: 1,
		ConnectAttributes: map[string]string{
			"mode":         "rwc",
			"journal_mode": "wal",
			"synchronous":  "1",
		},
	}
}

const (
	// storeFile is Temporal's database, and visibilityFile what its lists and counts
	// are of. Each file has a writer of its own, so that a start of a workflow does not
	// wait for the row that lists another.
	storeFile      = "temporal.db"
	visibilityFile = "visibility.db"
)

// databases returns the configuration of both databases, and creates those of a new
// data folder. A folder of an earlier version has everything in storeFile, and keeps
// that, so that its lists are complete.
func (t *temporalServer) databases() (store, visibility *config.SQL, err error) {
	store, visibility = t.database(storeFile), t.database(visibilityFile)
	isNew, err := t.lacks(storeFile)
	if err != nil {
		return nil, nil, err
	}
	if isNew {
		// In this order, so that a kill in between leaves no folder of the earlier kind.
		for _, name := range []string{visibilityFile, storeFile} {
			if err := t.createDatabase(name); err != nil {
				return nil, nil, err
			}
		}
		return store, visibility, nil
	}
	isOld, err := t.lacks(visibilityFile)
	if isOld {
		visibility = store
	}
	return store, visibility, err
}

func (t *temporalServer) lacks(file string) (bool, error) {
	_, err := os.Stat(filepath.Join(t.dir, file))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return false, err
}

// createDatabase creates the file called name with its tables unless it exists. It
// creates them in a file with another name first, so that a kill leaves no partial
// database.
func (t *temporalServer) createDatabase(name string) error {
	if missing, err := t.lacks(name); !missing {
		return err
	}
	path := filepath.Join(t.dir, name)
	fresh := path + ".new"
	for _, leaving := range []string{fresh, fresh + "-journal"} {
		if err := os.Remove(leaving); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the remains of a Temporal database: %w", err)
		}
	}
	making := t.database(name + ".new")
	// No WAL: the library never closes its connection, so the tables would stay in
	// the WAL instead of in the file that is renamed.
	making.ConnectAttributes["journal_mode"] = "delete"
	if err := sqliteschema.SetupSchema(making); err != nil {
		return fmt.Errorf("creating the Temporal database: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("creating the Temporal database: %w", err)
	}
	return nil
}

// orakNamespace describes Namespace. Search attributes are registered only
// when a namespace is created; the workers add those of later versions.
func orakNamespace() (*sqliteschema.NamespaceConfig, error) {
	const keyword = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	namespace, err := sqliteschema.NewNamespaceConfig(clusterName, Namespace, false,
		map[string]enumspb.IndexedValueType{
			workflows.AttrStatus.GetName():  keyword,
			workflows.AttrStage.GetName():   keyword,
			workflows.AttrFailure.GetName(): keyword,
			workflows.AttrTenant.GetName():  keyword,
			workflows.AttrWebhook.GetName(): keyword,
		})
	if err != nil {
		return nil, fmt.Errorf("describing the Temporal namespace: %w", err)
	}
	namespace.Detail.Info.Description = "orak: uploads and their analyses"
	// The library sets 24 hours.
	namespace.Detail.Config.Retention = durationpb.New(Retention)
	return namespace, nil
}

// services gives the frontend its port and the inner services free ones. The
// hosts are static, so they do not gossip, and stale members do not slow the
// start after a kill.
func (t *temporalServer) services() (map[string]config.Service, map[primitives.ServiceName]static.Hosts, error) {
	ports := map[primitives.ServiceName]int{
		primitives.FrontendService: t.port,
		primitives.HistoryService:  0,
		primitives.MatchingService: 0,
		primitives.WorkerService:   0,
	}
	var history, matching, worker int
	err := ClaimPorts([]Port{
		{Name: "Temporal's history service", Flag: "temporal-port", Number: &history},
		{Name: "Temporal's matching service", Flag: "temporal-port", Number: &matching},
		{Name: "Temporal's worker service", Flag: "temporal-port", Number: &worker},
	})
	if err != nil {
		return nil, nil, err
	}
	ports[primitives.HistoryService] = history
	ports[primitives.MatchingService] = matching
	ports[primitives.WorkerService] = worker

	services := make(map[string]config.Service, len(ports))
	hosts := make(map[primitives.ServiceName]static.Hosts, len(ports))
	for name, port := range ports {
		services[string(name)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnLocalHost: true}}
		hosts[name] = static.SingleLocalHost(address(port))
	}
	return services, hosts, nil
}

func (t *temporalServer) config(db, visibility *config.SQL, services map[string]config.Service) *config.Config {
	const (
		off   = "disabled"
		store = "store"
		lists = "visibility"
	)
	return &config.Config{
		Global: config.Global{
			Membership: config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: Host},
		},
		Persistence: config.Persistence{
			DefaultStore:     store,
			VisibilityStore:  lists,
			NumHistoryShards: 1,
			DataStores:       map[string]config.DataStore{store: {SQL: db}, lists: {SQL: visibility}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: address(t.port)},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            services,
		Archival: config.Archival{
			History:    config.HistoryArchival{State: off},
			Visibility: config.VisibilityArchival{State: off},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: off},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: off},
		}},
		PublicClient: config.PublicClient{HostPort: address(t.port)},
	}
}
