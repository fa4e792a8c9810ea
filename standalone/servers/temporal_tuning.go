package servers

import (
	"errors"
	"fmt"
	"maps"
	"os"

	"go.temporal.io/server/common/dynamicconfig"
)

// dynamicConfig is how this Temporal differs from one that is made for a
// cluster, or as file has it.
func dynamicConfig(file string, manyNamespaces bool) (dynamicconfig.StaticClient, error) {
	settings := tuning()
	if file != "" {
		var err error
		if settings, err = readDynamicConfig(file); err != nil {
			return nil, err
		}
	}
	if manyNamespaces {
		maps.Copy(settings, dynamicconfig.StaticClient{
			dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true,
			// By default it takes five failures, which is a minute.
			dynamicconfig.NumConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute.Key():         2,
			dynamicconfig.FrontendNamespaceReplicationInducingAPIsRPS.Key():                        1000,
			dynamicconfig.FrontendMaxNamespaceNamespaceReplicationInducingAPIsRPSPerInstance.Key(): 1000,
		})
	}
	return settings, nil
}

// readDynamicConfig refuses what a server would only warn of, such as a setting
// that there is not.
func readDynamicConfig(file string) (dynamicconfig.StaticClient, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading Temporal's dynamic configuration: %w", err)
	}
	loaded := dynamicconfig.LoadYamlFile(content)
	if err := errors.Join(append(loaded.Errors, loaded.Warnings...)...); err != nil {
		return nil, fmt.Errorf("reading Temporal's dynamic configuration %s: %w", file, err)
	}
	settings := dynamicconfig.StaticClient{}
	for key, values := range loaded.Map {
		settings[key] = values
	}
	return settings, nil
}

func tuning() dynamicconfig.StaticClient {
	return dynamicconfig.StaticClient{
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
}
