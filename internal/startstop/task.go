package startstop

import "context"

// Task is a part that is one function, which runs from Start until Stop. It must not be
// copied; the zero value is ready to use.
type Task struct {
	life Once
	end  context.CancelFunc
	done chan struct{}
}

// Start runs a function beside the caller, whose context ends with Stop and not with ctx.
// If the Task was started or stopped before, it returns ErrStarted without a call.
func (t *Task) Start(ctx context.Context, run func(context.Context)) error {
	return t.life.Start(ctx, func(context.Context) error {
		var running context.Context
		running, t.end = context.WithCancel(context.WithoutCancel(ctx))
		t.done = make(chan struct{})
		go func() {
			defer close(t.done)
			run(running)
		}()
		return nil
	})
}

// Stop ends the context of the function and waits for its return, as Once does. It may be
// called again, and without Start.
func (t *Task) Stop(ctx context.Context) error {
	return t.life.Stop(ctx, func(context.Context) error {
		t.end()
		<-t.done
		return nil
	})
}
