package messages

import "fmt"

// StallText words the report that the bridge makes no progress; stall says in
// which partitions.
func StallText(stall fmt.Stringer) string {
	return fmt.Sprintf(":rotating_light: The bridge has stalled: %s. Uploads wait; none is lost.", stall)
}
