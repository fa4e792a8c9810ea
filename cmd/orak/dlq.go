package main

type dlqCmd struct {
	List      dlqListCmd      `cmd:"" help:"List the dead letters, newest first."`
	Show      dlqShowCmd      `cmd:"" help:"Print everything about one, and what to do."`
	Reprocess dlqReprocessCmd `cmd:"" help:"Run dead-lettered uploads again."`
	Discard   dlqDiscardCmd   `cmd:"" help:"End dead-lettered uploads for good."`
	Verify    dlqVerifyCmd    `cmd:"" help:"Compare the dead letters with the parked uploads."`
}

// Help implements kong.HelpProvider.
func (dlqCmd) Help() string {
	return `A dead letter is an upload whose processing was given up after its attempts. It stays parked for 7 days, until an
operator fixes the cause and runs it again, or discards it.`
}
