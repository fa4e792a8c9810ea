package architecture

// floor is how far up a part of the tree is: it may import what lies on a
// lower floor and nothing on its own, but for folders of the same part.
type floor struct {
	dir    string // pattern; the longest that matches counts
	height int
	why    string
}

var floors = []floor{
	{".", 0, "the nouns: every part shares them, so they know no part"},
	{"events/...", 1, "the shape of what crosses Kafka: read by all that produce or consume"},

	{"internal/objectstore/...", 2, "a technology: behaviour reaches it by interfaces of its own"},
	{"internal/kafka/...", 2, "a technology; it may know the topics, which are events'"},
	{"internal/media/...", 2, "a technology: ffmpeg, and nothing of how its results travel"},
	{"internal/analysis/...", 2, "a technology: numbers in, numbers out"},
	{"internal/modelserver/...", 2, "a technology: an HTTP contract, samples in, numbers out"},
	{"internal/temporal/...", 2, "a technology: the connection, not what runs over it"},
	{"internal/mattermost/...", 2, "a technology: posting to the alert webhook, and nothing of what is posted"},
	{"internal/observe/...", 2, "logs, metrics, traces, health: for every role, about none"},
	{"internal/listen/...", 1, "bounds of connections: for every server, about none"},
	{"internal/startstop/...", 1, "how parts start and stop: for every part, about none"},
	{"internal/throttle/...", 1, "logs that repeat, for every part"},
	{"internal/terminal/...", 2, "a technology: lines, bars and questions, and nothing of what they are about"},
	{"internal/config/...", 2, "reads any settings struct, and so knows no particular one"},

	{"internal/outbox/...", 3, "the markers of what is still to be announced: the store's objects, the events' words"},
	{"activities/messages", 1, "the texts for the operators' chat: they know the nouns, not who sends them or how"},
	{"activities/...", 3, "what workflows do to the world, through interfaces of their own"},
	{"workflows/...", 4, "the order of things; deterministic, so far from every technology"},

	{"api/resource/...", 1, "the wire types of the API: shared by the server and its clients"},
	{"client/...", 2, "speaks the API: linked by other programs, and so links nothing of the server"},
	{"api/...", 5, "an edge: it and the other edges change and scale apart"},
	{"bridge/...", 5, "an edge"},
	{"worker/...", 5, "an edge: it hosts workflows and activities"},
	{"operate/...", 6, "what operators run against any group and role; it starts what the bridge would start"},

	{"internal/app/...", 7, "the composition root: where concrete types meet"},
	{"cmd/...", 8, "thin programs"},
	{"standalone/...", 8, "everything in one process"},
	{"test/...", 9, "tests of the whole may see all of it"},
	{"bench/...", 10, "measures the whole from outside, on the servers that test/stack runs"},
	{"deploy/...", 10, "runs beside the product, not in it"},
	{"tools/...", 9, "developers' tools"},
}

// technologies are the packages of which only the composition root and the
// tests of the whole may hold two at once.
var technologies = []string{
	"internal/objectstore", "internal/kafka", "internal/media", "internal/analysis", "internal/modelserver", "internal/temporal",
}

// roots are where concrete types may meet.
var roots = []string{"internal/app/...", "standalone/...", "test/...", "bench/..."}

// home says where imports of some libraries may be written. It does not bind
// _test.go files, which use the real thing wherever they are.
type home struct {
	imports []string // patterns
	dirs    []string // patterns
	why     string
}

var homes = []home{
	{
		[]string{"github.com/gofiber/fiber/...", "github.com/valyala/fasthttp/..."},
		[]string{"api/..."},
		"its values are reused after the handler returns: that trap stays behind one door",
	},
	{
		[]string{"github.com/minio/minio-go/..."},
		[]string{"internal/objectstore/...", "test/..."},
		"any S3 will do: the rest of the tree speaks of objects, not of a vendor",
	},
	{
		[]string{"github.com/twmb/franz-go/..."},
		[]string{"events/...", "internal/kafka/...", "bridge/...", "operate/...", "internal/app/...", "standalone/...", "test/...", "bench/...", "deploy/kafka/..."},
		"what is decided about acks, lingering and commits is decided where it can be read together",
	},
	{
		[]string{"github.com/twmb/franz-go/pkg/kfake", "go.temporal.io/server/...", "github.com/temporalio/ui-server/...", "github.com/versity/versitygw/..."},
		[]string{"standalone/..."},
		"embedded servers weigh minutes of build and must never reach the product's binary",
	},
	{
		[]string{"github.com/alecthomas/kong/..."},
		[]string{"internal/config/...", "cmd/..."},
		"packages describe their settings in struct tags; who reads them is not their business",
	},
	{
		[]string{"go.temporal.io/..."},
		[]string{"internal/temporal/...", "workflows/...", "activities/...", "worker/...", "bridge/...", "operate/...", "api/...", "internal/app/...", "standalone/...", "test/...", "bench/..."},
		"technologies and events know nothing of what orchestrates them",
	},
	{
		[]string{"os/exec"},
		[]string{"internal/media/...", "test/...", "bench/...", "deploy/kafka/..."},
		"child processes need a group, a bound in time and the tail of stderr: one package does that well",
	},
}

// ban forbids imports to some folders, over and above the floors.
type ban struct {
	dirs    []string // patterns
	imports []string // patterns
	except  []string // patterns of imports that are allowed all the same
	why     string
}

var bans = []ban{
	{
		[]string{"workflows/..."},
		[]string{module + "/internal/...", "os/...", "net/...", "math/rand/...", "crypto/rand", "log/slog", "database/...", "github.com/...", "google.golang.org/..."},
		nil,
		"workflow code is replayed: what it reads of the world must come from history; the world is activities' matter",
	},
	{
		[]string{"activities/..."},
		[]string{module + "/internal/..."},
		nil,
		"activities name what they need in small interfaces; internal/app gives them the concrete types",
	},
	{
		[]string{"client/...", "api/resource/..."},
		[]string{"..."},
		[]string{module, module + "/api/resource", "std"},
		"a program that speaks to orak links the client, and nothing of the server or its dependencies",
	},
	{
		[]string{"cmd/..."},
		[]string{module + "/internal/..."},
		[]string{module + "/internal/app/...", module + "/internal/config/...", module + "/internal/terminal/..."},
		"programs are thin: they parse, call one function and exit",
	},
}

// vagueNames say nothing about what a package is for, so everything ends up
// in them.
var vagueNames = []string{"util", "utils", "common", "helper", "helpers", "types", "models", "misc", "shared", "base", "lib"}

// maxLines is the length past which a file has more than one subject.
const maxLines = 600
