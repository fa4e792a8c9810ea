package servers

import "go.temporal.io/server/common/dynamicconfig"

// dynamicConfig is how this Temporal differs from one that is made for a
// cluster.
func dynamicConfig(manyNamespaces bool) dynamicconfig.StaticClient {
	settings := dynamicconfig.StaticClient{
		// One partition of a task queue: with the usual four, this one
		// process drains a third as many.
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
		// Tenants share the queues by weight, not by who came first.
		dynamicconfig.MatchingEnableFairness.Key(): true,
		// Listing dead letters and counting are visibility calls: 10 a
		// second, the default, is one impatient operator.
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): 100,
	}
	if !manyNamespaces {
		return settings
	}
	settings[dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key()] = true
	settings[dynamicconfig.FrontendNamespaceReplicationInducingAPIsRPS.Key()] = 1000
	settings[dynamicconfig.FrontendMaxNamespaceNamespaceReplicationInducingAPIsRPSPerInstance.Key()] = 1000
	return settings
}
