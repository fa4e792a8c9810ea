package main

type dlqCmd struct {
	List      dlqListCmd      `cmd:"" help:"List the dead letters, the newest first."`
	Show      dlqShowCmd      `cmd:"" help:"Tell everything about one, and how to mend it."`
	Reprocess dlqReprocessCmd `cmd:"" help:"Run dead-lettered uploads again."`
	Discard   dlqDiscardCmd   `cmd:"" help:"Give dead-lettered uploads up for good."`
	Verify    dlqVerifyCmd    `cmd:"" help:"Compare the dead letters with what is parked."`
}

// Help implements kong.HelpProvider.
func (dlqCmd) Help() string {
	return `A dead letter is an upload that was given up after its attempts. It stays parked for 7 days, until somebody
mends the cause and runs it again, or discards it.`
}
