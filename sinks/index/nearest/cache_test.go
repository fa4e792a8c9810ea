package nearest_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"orak"
	"orak/sinks/index/nearest"
)

func TestCacheEvictsTheSetsThatWereUsedLongestAgo(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	c := nearest.NewCache[string](100, registry)
	held := func() float64 {
		families, err := registry.Gather()
		require.NoError(t, err)
		return families[0].GetMetric()[0].GetGauge().GetValue()
	}
	set := func(tenant orak.Tenant) nearest.Set { return nearest.Set{Tenant: tenant, Dimensions: 2} }
	kept := func() (tenants []string) {
		for _, v := range c.All() {
			tenants = append(tenants, v)
		}
		return tenants
	}
	c.Keep(set("a"), "a", 40)
	c.Keep(set("b"), "b", 40)
	require.Equal(t, "a", c.GetOrKeep(set("a"), func() string { return "another" }))
	c.Keep(set("c"), "c", 60)
	require.ElementsMatch(t, []string{"a", "c"}, kept())
	require.Equal(t, 100., held())

	c.Keep(set("c"), "c2", 20)
	c.Resize(set("a"), 80)
	c.Resize(set("gone"), 80)
	require.ElementsMatch(t, []string{"a", "c2"}, kept())
	require.Equal(t, 100., held())
	c.Resize(set("c"), 21)
	require.Equal(t, []string{"c2"}, kept())
	c.Keep(set("d"), "d", 101)
	require.Empty(t, kept(), "what does not fit is not kept")
	require.Zero(t, held())

	require.Equal(t, "e", c.GetOrKeep(set("e"), func() string { return "e" }))
	c.Keep(set("e"), "e", 7)
	require.Equal(t, 7., held())
	c.Remove(set("e"))
	require.Zero(t, held())
	c.Keep(set("f"), "f", 7)
	c.Clear()
	_, ok := c.Get(set("f"))
	require.False(t, ok)
	require.Zero(t, held())
	require.True(t, c.Fits(nearest.Set{Dimensions: 2}, 0))
	require.False(t, c.Fits(nearest.Set{Dimensions: 2}, 1))
}
