package servers

import (
	"errors"
	"fmt"
	"maps"
	"os"

	"go.temporal.io/server/common/dynamicconfig"
)

// dynamicConfig is the dynamic configuration in file, or, without one, the
// differences of this Temporal from a cluster's.
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
			// The default is five failures, which take a minute.
			dynamicconfig.NumConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute.Key():         2,
			dynamicconfig.FrontendNamespaceReplicationInducingAPIsRPS.Key():                        1000,
			dynamicconfig.FrontendMaxNamespaceNamespaceReplicationInducingAPIsRPSPerInstance.Key(): 1000,
		})
	}
	return settings, nil
}

// readDynamicConfig refuses files about which a server would only warn, such as one
// with an unknown setting.
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
		// One partition for each task queue: with the default of four, one process
		// drains only a third as many tasks.
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
		// Tenants share the queues by weight, not by arrival.
		dynamicconfig.MatchingEnableFairness.Key(): true,
		// Listing and counting dead letters are visibility calls: the default of 10
		// a second is too low even for one operator.
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): 100,
	}
}
