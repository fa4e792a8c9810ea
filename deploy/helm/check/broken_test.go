package check

const (
	oauth     = `kafka.sasl.mechanism="OAUTHBEARER"`
	tokenURL  = `config.ORAK_KAFKA_OAUTH_TOKEN_URL="https://login.example.org:8443/token"`
	tokenFile = `secretFiles=[{"variable": "ORAK_KAFKA_OAUTH_TOKEN_FILE", "name": "orak-kafka", "key": "token"}]`
)

// brokenValues are values that must be refused, beside those of production.
var brokenValues = map[string]struct {
	set []string
	why string
}{
	"a misspelt key":                 {[]string{`api.replcas=3`}, "replcas"},
	"no brokers":                     {[]string{`kafka.brokers=[]`}, "kafka/brokers"},
	"a moving tag":                   {[]string{`image.tag="latest"`}, "image/tag"},
	"a secret written out":           {[]string{`config.ORAK_S3_SECRET_KEY="hunter2"`}, "ORAK_S3_SECRET_KEY"},
	"a setting that the chart sets":  {[]string{`worker.config.ORAK_WORKER_STOP_TIMEOUT="1h"`}, "ORAK_WORKER_STOP_TIMEOUT"},
	"a number as text":               {[]string{`api.replicas="two"`}, "api/replicas"},
	"a scheme in an address":         {[]string{`s3.endpoint="https://s3:9000"`}, "s3/endpoint"},
	"no secret for the store":        {[]string{`s3.existingSecret.name=""`}, "s3/existingSecret/name"},
	"an index without a database":    {[]string{`database.existingSecret.name=""`}, "database/existingSecret/name"},
	"webhooks without keys":          {[]string{`webhookKeys.existingSecret.name=""`}, "webhookKeys/existingSecret/name"},
	"a user without a password":      {[]string{`kafka.sasl.existingSecret.name=""`}, "kafka/sasl/existingSecret/name"},
	"an API key in the clear":        {[]string{`temporal.existingSecret.name="key"`}, "temporal/tls"},
	"a model server without address": {[]string{`engine.name="http"`}, "engine"},
	"a bridge that scales to zero":   {[]string{`bridge.autoscaling.minReplicas=0`}, "bridge/autoscaling/minReplicas"},
	"no authentication":              {[]string{`auth="none"`}, "auth"},
	"more at least than at most":     {[]string{`worker.autoscaling.minReplicas=30`}, "minReplicas 30 is more than maxReplicas 20"},
	"more pods than partitions":      {[]string{`lake.autoscaling.maxReplicas=13`}, "13 pods share 12 partitions"},
	"a gateway that is anyone":       {[]string{`auth="gateway"`, `networkPolicy.apiFrom=[]`}, "networkPolicy.apiFrom"},
	"scratch in too little memory":   {[]string{`worker.scratch.medium="Memory"`}, "worker.scratch.medium"},
	"tokens from nowhere":            {[]string{oauth, `kafka.sasl.user=""`}, "the role api needs either ORAK_KAFKA_OAUTH_TOKEN_URL or"},
	"tokens for one role only":       {[]string{oauth, `kafka.sasl.user=""`, `api.config.ORAK_KAFKA_OAUTH_TOKEN_URL="https://login/token"`}, "the role bridge needs either"},
	"tokens from two places":         {[]string{oauth, `kafka.sasl.user=""`, tokenURL, tokenFile}, "the role api needs either"},
	"credentials from nowhere":       {[]string{`s3.credentials="aws"`}, "networkPolicy.to.credentials"},
}

const (
	apiServerRefuses = "the API server: "
	rulesRefuse      = "the rules: "
)

func container0(keys ...any) []any {
	return append([]any{"spec", "template", "spec", "containers", 0}, keys...)
}

// brokenObjects break one thing of what production renders.
var brokenObjects = map[string]struct {
	kind, name string
	breaks     func(Object)
	by, why    string
}{
	// By the API server, strictly.
	"a misspelt field": {"Deployment", "orak-bridge", func(o Object) {
		o.Set(map[string]any{"httpGet": map[string]any{"path": "/livez", "port": "admin"}}, container0("livenesProbe")...)
	}, apiServerRefuses, "livenesProbe"},
	"a selector of other pods": {"Deployment", "orak-api", func(o Object) {
		o.Set("web", "spec", "selector", "matchLabels", component)
	}, apiServerRefuses, "selector"},
	"requests above limits": {"Deployment", "orak-lake", func(o Object) {
		o.Set("1Gi", container0("resources", "requests", "memory")...)
	}, apiServerRefuses, "memory limit"},
	"a quantity that is none": {"Deployment", "orak-lake", func(o Object) {
		o.Set("lots", container0("resources", "limits", "cpu")...)
	}, apiServerRefuses, "quantities"},
	"no volume for a mount": {"Deployment", "orak-worker", func(o Object) {
		o.Set("scrap", container0("volumeMounts", 2, "name")...)
	}, apiServerRefuses, "scrap"},
	"a spread over nothing": {"Deployment", "orak-api", func(o Object) {
		o.Set("Sometimes", "spec", "template", "spec", "topologySpreadConstraints", 0, "whenUnsatisfiable")
	}, apiServerRefuses, "whenUnsatisfiable"},
	"a port out of range": {"Service", "orak-api", func(o Object) {
		o.Set(99999, "spec", "ports", 0, "port")
	}, apiServerRefuses, "spec.ports[0].port"},
	"a protocol that is none": {"NetworkPolicy", "orak-index", func(o Object) {
		o.Set("HTTP", "spec", "ingress", 0, "ports", 0, "protocol")
	}, apiServerRefuses, "protocol"},
	"an exception outside of its range": {"NetworkPolicy", "orak-webhooks", func(o Object) {
		for _, rule := range o.each("spec", "egress") {
			if rule.At("to", 0, "ipBlock") != nil && rule.text("to", 0, "ipBlock", "cidr") == "0.0.0.0/0" {
				rule.Set("192.0.2.0/24", "to", 0, "ipBlock", "cidr")
			}
		}
	}, apiServerRefuses, "except"},
	"a budget of both kinds": {"PodDisruptionBudget", "orak-api", func(o Object) {
		o.Set(1, "spec", "minAvailable")
	}, apiServerRefuses, "minAvailable"},
	"an autoscaler that is upside down": {"HorizontalPodAutoscaler", "orak-api", func(o Object) {
		o.Set(1, "spec", "maxReplicas")
	}, apiServerRefuses, "maxReplicas"},
	"a path type that is none": {"Ingress", "orak-api", func(o Object) {
		o.Set("Regex", "spec", "rules", 0, "http", "paths", 0, "pathType")
	}, apiServerRefuses, "pathType"},
	"a ScaledObject with pods in words": {"ScaledObject", "orak-bridge", func(o Object) {
		o.Set("one", "spec", "minReplicaCount")
	}, apiServerRefuses, "minReplicaCount"},
	"a ScaledObject without a target": {"ScaledObject", "orak-bridge", func(o Object) {
		o.Set(nil, "spec", "scaleTargetRef")
	}, apiServerRefuses, "scaleTargetRef"},
	"an interval that is none": {"PodMonitor", "orak", func(o Object) {
		o.Set("often", "spec", "podMetricsEndpoints", 0, "interval")
	}, apiServerRefuses, "interval"},
	// By the API server, which judges pods by the restricted standard.
	"root": {"Deployment", "orak-worker", func(o Object) {
		o.Set(0, container0("securityContext", "runAsUser")...)
	}, apiServerRefuses, "runAsUser"},
	"privileges": {"Deployment", "orak-worker", func(o Object) {
		o.Set(true, container0("securityContext", "allowPrivilegeEscalation")...)
	}, apiServerRefuses, "allowPrivilegeEscalation"},
	"capabilities": {"Deployment", "orak-worker", func(o Object) {
		o.Set(nil, container0("securityContext", "capabilities")...)
	}, apiServerRefuses, "capabilities"},
	"the host's files": {"Deployment", "orak-worker", func(o Object) {
		o.Set(map[string]any{"name": "tmp", "hostPath": map[string]any{"path": "/tmp"}}, "spec", "template", "spec", "volumes", 0)
	}, apiServerRefuses, "hostPath"},
	// By our own rules, where the API server has none.
	"a writable image": {"Deployment", "orak-webhooks", func(o Object) {
		o.Set(false, container0("securityContext", "readOnlyRootFilesystem")...)
	}, rulesRefuse, "readOnlyRootFilesystem"},
	"a probe on the open port": {"Deployment", "orak-api", func(o Object) {
		o.Set("http", container0("readinessProbe", "httpGet", "port")...)
	}, rulesRefuse, "readinessProbe"},
	"a worker killed in its analysis": {"Deployment", "orak-worker-gpu", func(o Object) {
		o.Set(30, "spec", "template", "spec", "terminationGracePeriodSeconds")
	}, rulesRefuse, "is killed after 30s"},
	"a token of the cluster": {"Deployment", "orak-index", func(o Object) {
		o.Set(true, "spec", "template", "spec", "automountServiceAccountToken")
	}, rulesRefuse, "token"},
	"a setting that does not exist": {"Deployment", "orak-index", func(o Object) {
		o.Set(map[string]any{"name": "ORAK_INDX_BATCH", "value": "5"}, container0("env", 0)...)
	}, rulesRefuse, "ORAK_INDX_BATCH is not in docs/configuration.md"},
	"a secret in the environment": {"Deployment", "orak-index", func(o Object) {
		o.Set(map[string]any{"name": "ORAK_INDEX_URL", "value": "postgres://orak:hunter2@db/orak"}, container0("env", 0)...)
	}, rulesRefuse, "ORAK_INDEX_URL is written out"},
	"an admin listener for all": {"NetworkPolicy", "orak-api", func(o Object) {
		o.Set(nil, "spec", "ingress", 0, "from")
	}, rulesRefuse, "lets anyone reach the admin listener"},
	"an admin listener in the Service": {"Service", "orak-api", func(o Object) {
		o.Set("admin", "spec", "ports", 0, "targetPort")
	}, rulesRefuse, "the admin listener is reachable"},
	"a role without a policy": {"NetworkPolicy", "orak-lake", func(o Object) {
		o.Set("other", "spec", "podSelector", "matchLabels", component)
	}, rulesRefuse, "no NetworkPolicy of its own"},
	"a removed field of a trigger": {"ScaledObject", "orak-worker", func(o Object) {
		o.Set("2026-11", "spec", "triggers", 0, "metadata", "buildId")
	}, rulesRefuse, "the field buildId of a trigger of type temporal is removed"},
	"a misspelt field of a trigger": {"ScaledObject", "orak-bridge", func(o Object) {
		o.Set("10", "spec", "triggers", 0, "metadata", "lagThreshhold")
	}, rulesRefuse, "has no field lagThreshhold"},
	"a password in a trigger": {"ScaledObject", "orak-bridge", func(o Object) {
		o.Set("hunter2", "spec", "triggers", 0, "metadata", "password")
	}, rulesRefuse, "belongs into a TriggerAuthentication"},
	"a trigger of no kind": {"ScaledObject", "orak-bridge", func(o Object) {
		o.Set("kafak", "spec", "triggers", 0, "type")
	}, rulesRefuse, `no trigger of type "kafak"`},
}
