package architecture

// floor is the level of a part of the tree. A part may import parts on lower floors,
// and of its own floor only folders of the same part.
type floor struct {
	dir    string // pattern; the longest that matches counts
	height int
	why    string
}

var floors = []floor{
	{".", 0, "the nouns: every part shares them, so they import no part"},
	{"events/...", 1, "the events on Kafka: shared by all that produce or consume them"},
	{"songs/...", 1, "the domain of songs: pure, so that the index, the API and the command share one ranking"},

	{"internal/objectstore/...", 2, "a technology: behaviour uses it through its own interfaces"},
	{"internal/kafka/...", 2, "a technology; it may use the topics of package events"},
	{"internal/media/...", 2, "a technology: ffmpeg, independent of how its results are transported"},
	{"internal/analysis/...", 2, "a technology: numbers in, numbers out"},
	{"internal/modelserver/...", 2, "a technology: an HTTP contract, samples in, numbers out"},
	{"internal/temporal/...", 2, "a technology: the connection, independent of the workflows"},
	{"internal/standardwebhooks/...", 2, "a technology: signed requests to addresses that strangers choose, independent of the events"},
	{"internal/schemaregistry/...", 2, "a technology: an HTTP API, independent of who publishes the events"},
	{"internal/mattermost/...", 2, "a technology: posting to the alert webhook, independent of the messages"},
	{"internal/observe/...", 2, "logs, metrics, traces, health: for every role, specific to none"},
	{"internal/auth/...", 4, "credentials, and who calls: for the edges, on the control plane's documents"},
	{"web/...", 1, "the built console, as files: independent of who serves it"},
	{"internal/listen/...", 1, "bounds of connections: for every server, specific to none"},
	{"internal/flight/...", 1, "answers that callers share: for every part, specific to none"},
	{"internal/secure/...", 1, "TLS from files, and errors that name settings: for every connection, specific to none"},
	{"internal/startstop/...", 1, "how parts start and stop: for every part, specific to none"},
	{"internal/throttle/...", 1, "throttled logs: for every part, specific to none"},
	{"internal/wav/...", 1, "reads the converted recording: for all that need its samples, specific to none"},
	{"internal/terminal/...", 2, "a technology: lines, bars and questions, independent of their content"},
	{"internal/config/...", 2, "reads any settings struct, and so depends on no particular one"},

	{"control/...", 3, "the control plane's documents, on a compacted topic: behaviour takes what is in effect as functions, from internal/app"},
	{"internal/direct/...", 4, "recordings that apps put into the store themselves, in terms of objects and markers"},
	{"internal/outbox/...", 3, "the markers of uploads that are not announced yet, in terms of objects and events"},
	{"internal/resumable/...", 4, "resumable uploads, in terms of objects and markers, independent of the protocol and of how events are sent"},
	{"activities/messages", 1, "the texts for the operators' chat: independent of who sends them, and how"},
	{"activities/...", 3, "the side effects of workflows, through interfaces of their own"},
	{"sinks/index/...", 4, "the read model: the consumer of its events, its databases, and the types in which the API and the operators' tools query it"},
	{"workflows/...", 4, "orchestration: deterministic, and so independent of every technology"},

	{"api/resource/...", 1, "the wire types of the API: shared by the server and its clients"},
	{"client/...", 2, "the API's client for other programs: it links nothing of the server"},
	{"api/...", 5, "an edge: edges change and scale independently"},
	{"bridge/...", 5, "an edge: it turns records into workflows"},
	{"worker/...", 5, "an edge: it hosts workflows and activities"},
	{"sinks/lake/...", 5, "a consumer group: it turns records into files, on a store that it is given"},
	{"sinks/webhook/...", 5, "a consumer group: it turns events into workflows, and hosts those"},
	{"operate/...", 6, "the operators' tools, for any group and role; they start the same workflows as the bridge"},

	{"internal/app/...", 7, "the composition root: where concrete types meet"},
	{"cmd/...", 8, "thin programs"},
	{"standalone/...", 8, "everything in one process"},
	{"test/...", 9, "tests of the whole may see all of it"},
	{"bench/...", 10, "measures the whole from outside, on the servers that test/stack runs"},
	{"examples/...", 0, "programs of the API's users: they know the service by its contract, and link nothing of it"},
	{"deploy/...", 10, "runs beside the product"},
	{"tools/...", 9, "developers' tools"},
}

// technologies are the packages of which only the roots may import two.
var technologies = []string{
	"internal/objectstore", "internal/kafka", "internal/media", "internal/analysis", "internal/modelserver", "internal/temporal",
}

// roots may import several technologies: there concrete types meet.
var roots = []string{"internal/app/...", "standalone/...", "test/...", "bench/..."}

// home restricts imports of libraries to some folders. It does not apply to _test.go
// files, which may use the real thing everywhere.
type home struct {
	imports []string // patterns
	dirs    []string // patterns
	why     string
}

var homes = []home{
	{
		[]string{"github.com/gofiber/fiber/...", "github.com/valyala/fasthttp/..."},
		[]string{"api/..."},
		"its values are reused after the handler returns: only one package deals with that",
	},
	{
		[]string{"github.com/minio/minio-go/..."},
		[]string{"internal/objectstore/...", "test/..."},
		"any S3 server will do: the rest of the tree is independent of the vendor",
	},
	{
		[]string{"github.com/twmb/franz-go/..."},
		[]string{"events/...", "internal/kafka/...", "control/...", "internal/schemaregistry/...", "bridge/...", "sinks/...", "operate/...", "internal/app/...", "standalone/...", "test/...", "bench/...", "deploy/kafka/..."},
		"decisions about acks, lingering and commits stay in few packages",
	},
	{
		[]string{"github.com/twmb/franz-go/pkg/kfake", "go.temporal.io/server/...", "github.com/temporalio/ui-server/...", "github.com/versity/versitygw/..."},
		[]string{"standalone/..."},
		"embedded servers take minutes to build and must not be in the product's binary",
	},
	{
		[]string{"github.com/jackc/pgx/..."},
		[]string{"sinks/index/postgres", "test/postgres"},
		"the index is used through index.Store, whatever keeps it",
	},
	{
		[]string{"github.com/golang-jwt/jwt/...", "github.com/MicahParks/..."},
		[]string{"internal/auth"},
		"one package decides whose credentials are taken",
	},
	{
		[]string{"golang.org/x/oauth2/..."},
		[]string{"internal/auth", "internal/kafka"},
		"tokens are fetched for logging in, and for brokers that take them",
	},
	{
		[]string{"github.com/viterin/vek/..."},
		[]string{"sinks/index/nearest"},
		"one package compares vectors",
	},
	{
		[]string{"code.dny.dev/ssrf"},
		[]string{"internal/standardwebhooks"},
		"one package sends requests to addresses that strangers choose",
	},
	{
		[]string{"modernc.org/sqlite"},
		[]string{"sinks/index/sqlite"},
		"the index is used through index.Store, whatever keeps it",
	},
	{
		[]string{"github.com/parquet-go/parquet-go/..."},
		[]string{"sinks/lake/..."},
		"the columns of the lake are contracts, and one package writes them",
	},
	{
		[]string{"github.com/alecthomas/kong/..."},
		[]string{"internal/config/...", "cmd/..."},
		"packages describe their settings in struct tags, independent of how they are read",
	},
	{
		[]string{"go.temporal.io/..."},
		[]string{"internal/temporal/...", "workflows/...", "activities/...", "worker/...", "bridge/...", "sinks/webhook/...", "operate/...", "api/...", "internal/app/...", "standalone/...", "test/...", "bench/..."},
		"technologies and events are independent of the orchestration",
	},
	{
		[]string{"os/exec"},
		[]string{"internal/media/...", "test/...", "bench/...", "deploy/kafka/...", "tools/rehearse/..."},
		"child processes need a group, a time limit and the end of stderr: few packages do that",
	},
}

// ban forbids imports in some folders, in addition to the floors.
type ban struct {
	dirs    []string // patterns
	imports []string // patterns
	except  []string // patterns of imports that are allowed
	why     string
}

var bans = []ban{
	{
		[]string{"workflows/..."},
		[]string{module + "/internal/...", "os/...", "net/...", "math/rand/...", "crypto/rand", "log/slog", "database/...", "github.com/...", "google.golang.org/..."},
		nil,
		"workflow code is replayed: its inputs must come from history; activities have the side effects",
	},
	{
		[]string{"activities/..."},
		[]string{module + "/internal/..."},
		nil,
		"activities declare what they need as small interfaces; internal/app passes the concrete types",
	},
	{
		[]string{"client/...", "api/resource/..."},
		[]string{"..."},
		[]string{module, module + "/api/resource", "std"},
		"a program that uses the API links only the client, and nothing of the server or its dependencies",
	},
	{
		[]string{"cmd/..."},
		[]string{module + "/internal/..."},
		[]string{module + "/internal/app/...", module + "/internal/config/...", module + "/internal/terminal/..."},
		"programs are thin: they parse arguments, call one function and exit",
	},
}

// vagueNames do not say what a package is for, so such packages collect everything.
var vagueNames = []string{"util", "utils", "common", "helper", "helpers", "types", "models", "misc", "shared", "base", "lib"}

// maxLines is the length above which a file has more than one subject.
const maxLines = 600
