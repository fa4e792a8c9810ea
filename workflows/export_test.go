package workflows

// NewOfEarlierLayout makes the workflows as they were before layoutBrief.
func NewOfEarlierLayout(s Settings) *Flows { return &Flows{settings: s} }
