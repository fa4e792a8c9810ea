package versions

import "time"

// SetPollerLives sets how long a process that is gone counts as one that asks for tasks.
func (v *Versions) SetPollerLives(d time.Duration) { v.lives = d }

// Patiently is how each request is made.
var Patiently = patiently
