package workflows

// NewOfEarlierLayout makes the workflows as they were before layoutBrief.
func NewOfEarlierLayout(s Settings) *Flows { return &Flows{settings: s} }

// NewOfLaterLayout makes the workflows as a newer build would record them.
func NewOfLaterLayout(s Settings) *Flows { return &Flows{settings: s, layout: newestLayout + 1} }
