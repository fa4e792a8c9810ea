package app

import (
	"testing"

	"github.com/stretchr/testify/require"

	"orak"
	"orak/internal/modelserver"
	"orak/worker"
)

func TestAnEngineIsThereWhereItsServerIsSet(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		engine, url string
		want        []string
	}{
		"nothing set":      {orak.EngineBuiltin, "", []string{orak.EngineBuiltin}},
		"a server":         {orak.EngineBuiltin, "http://gpu:8090", orak.Engines()},
		"an engine of one": {orak.EngineOIP, "", orak.Engines()},
	} {
		a := &App{cfg: Config{Worker: worker.Config{Engine: c.engine}, ModelServer: modelserver.Config{URL: c.url}}}
		engines := a.engines()
		require.Len(t, engines, len(c.want), name)
		for _, want := range c.want {
			require.Contains(t, engines, want, name)
		}
	}
}
