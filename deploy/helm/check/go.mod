// What `go tool task clusters:chart` checks of the Helm chart, in a module of its own outside
// go.work, so that the product's tests need none of the servers that it runs.
module orak/deploy/helm/check

go 1.26.8

require (
	github.com/stretchr/testify v1.12.1
	go.yaml.in/yaml/v3 v3.0.6
)
