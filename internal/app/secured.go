package app

import "context"

// checkBeside logs once if check finds a wrong setting. It is for a process that works
// without the server: an API takes uploads whether or not it may use Kafka and Temporal.
func (a *App) checkBeside(ctx context.Context, server string, check func(context.Context) error) {
	a.beside(ctx, "check of "+server, func(ctx context.Context) {
		if err := check(ctx); err != nil && ctx.Err() == nil {
			a.log.ErrorContext(ctx, "server cannot be used with these settings", "server", server, "error", err)
		}
	})
}
