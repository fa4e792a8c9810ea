package check

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the chart repeats of the product is as the product has it.
func TestChartKnowsTheNumberOfPartitions(t *testing.T) {
	t.Parallel()
	for file, pattern := range map[string]string{
		root + "/events/topics.go":                      `const Partitions int32 = (\d+)`,
		filepath.Join(chart, "templates/validate.yaml"): `\$partitions := (\d+)`,
	} {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		found := regexp.MustCompile(pattern).FindSubmatch(content)
		require.NotNil(t, found, file)
		require.Equal(t, strconv.Itoa(partitions), string(found[1]), file)
	}
}

func TestTriggersAskForMetricsThatExist(t *testing.T) {
	t.Parallel()
	metrics, err := os.ReadFile(root + "/docs/metrics.md")
	require.NoError(t, err)
	asked := 0
	for _, o := range rendered(t, "production") {
		for _, trigger := range o.each("spec", "triggers") {
			for _, metric := range regexp.MustCompile(`orak_[a-z_]+`).FindAllString(trigger.text("metadata", "query"), -1) {
				require.Contains(t, string(metrics), "`"+metric+"`")
				asked++
			}
		}
	}
	require.Equal(t, 6, asked, "one of each role but the API")
}
