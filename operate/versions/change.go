package versions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"orak/internal/temporal"
)

// The acts of changes, on events.TopicAudit.
const (
	ActCurrent = "worker-version.current"
	ActRamp    = "worker-version.ramp"
)

// Change makes a build current, or gives it a share of the uploads.
type Change struct {
	// Build is what changes, or Unversioned.
	Build string
	// Ramp gives the build Percent of the uploads, and leaves the current version in
	// place; 0 ends the ramp.
	Ramp    bool
	Percent float64
	// By says who changes it, for the record.
	By string
	// Wait is how long Apply waits for workers of the build; 0 means not at all.
	Wait time.Duration
	// Force makes the change although the build does not serve every queue. It must have
	// been seen.
	Force bool
}

// Validate returns an error for a build or a percentage that cannot be.
func (c Change) Validate() error {
	switch {
	case c.Percent < 0 || c.Percent > 100:
		return fmt.Errorf("%g: want a percentage from 0 to 100", c.Percent)
	case c.Build == Unversioned:
		return nil
	default:
		return temporal.ValidateBuildID(c.Build)
	}
}

// Act returns the name of the act, its subject and its detail.
func (c Change) Act() (act, subject, detail string) {
	subject = c.Build
	if c.Build == Unversioned {
		subject = "workers without a version"
	}
	if c.Ramp {
		return ActRamp, subject, fmt.Sprintf("%g %%", c.Percent)
	}
	return ActCurrent, subject, ""
}

// Unknown is the error for a build of which no worker was ever seen.
type Unknown struct {
	Deployment, Build string
	// Known are the builds that there are.
	Known []string
}

// Error implements error.
func (e *Unknown) Error() string {
	return fmt.Sprintf("no worker of build %s was ever seen in deployment %s, which has: %s", e.Build, e.Deployment, strings.Join(e.Known, ", "))
}

// Missing is the error for a build that does not serve every queue that the current
// version serves.
type Missing struct {
	Build  string
	Queues []string
}

// Error implements error.
func (e *Missing) Error() string {
	who := "build " + e.Build
	if e.Build == Unversioned {
		who = "workers without a version"
	}
	return fmt.Sprintf("%s: no worker serves %s", who, strings.Join(e.Queues, ", "))
}

// Conflict is the error for a change that somebody else has made meanwhile.
type Conflict struct {
	// By made it, and Current is the current version since.
	By, Current string
}

// Error implements error.
func (e *Conflict) Error() string {
	current := "build " + e.Current
	if e.Current == Unversioned {
		current = "workers without a version"
	}
	return fmt.Sprintf("%s changed the deployment meanwhile: current is %s; nothing was changed", e.By, current)
}

// pollInterval is the time between two looks at the workers.
const pollInterval = time.Second

// Apply makes a change, and returns the build that was current before. A build that becomes
// current gets everything: what else ramps is ended. Apply waits until
// workers of the build serve every queue that the current version serves, and calls waiting
// with what is missing whenever that changes. It returns once Temporal has told the change
// to every queue, unless c is forced. Errors are *Unknown, *Missing, *Conflict and ErrNoDeployment.
func (v *Versions) Apply(ctx context.Context, c Change, waiting func(error)) (before string, err error) {
	now, err := v.await(ctx, c, waiting)
	if err != nil {
		return "", err
	}
	before = now.current()
	if c.settled(now) {
		return before, v.awaitTold(ctx, c)
	}
	if err := v.record(ctx, c); err != nil {
		return "", err
	}
	set := v.setCurrent
	if c.Ramp {
		set = v.ramp
	}
	err = fault("changing the version", set(ctx, c, now))
	if err == nil && !c.Ramp {
		err = v.endRamp(ctx, c)
	}
	if overtaken := (*serviceerror.FailedPrecondition)(nil); errors.As(err, &overtaken) {
		err = v.refused(ctx, c, now, err)
	}
	if err != nil {
		return "", err
	}
	return before, v.awaitTold(ctx, c)
}

// Check returns the error with which Apply would fail now, if any.
func (v *Versions) Check(ctx context.Context, c Change) error {
	now, err := v.describe(ctx)
	if err != nil {
		return err
	}
	return v.ready(ctx, c, now)
}

// settled reports whether a change has been made already.
func (c Change) settled(now state) bool {
	routing := now.GetRoutingConfig()
	switch {
	case !c.Ramp:
		return c.isCurrent(now) && !now.ramps()
	case c.Percent == 0:
		return now.ramping() != c.Build
	default:
		return now.ramping() == c.Build && float64(routing.GetRampingVersionPercentage()) == c.Percent
	}
}

// isCurrent reports whether the build is current by somebody's choice.
func (c Change) isCurrent(now state) bool {
	return now.current() == c.Build && now.GetRoutingConfig().GetCurrentVersionChangedTime() != nil
}

// await returns the deployment once the build can get tasks.
func (v *Versions) await(ctx context.Context, c Change, waiting func(error)) (state, error) {
	last, until := "", time.Now().Add(c.Wait)
	for {
		now, err := v.describe(ctx)
		if err == nil {
			err = v.ready(ctx, c, now)
		}
		var unknown *Unknown
		var missing *Missing
		isWaiting := errors.As(err, &unknown) || errors.As(err, &missing) || errors.Is(err, ErrNoDeployment)
		if !isWaiting || !time.Now().Before(until) {
			return now, err
		}
		if text := err.Error(); text != last {
			last = text
			waiting(err)
		}
		select {
		case <-ctx.Done():
			return now, ctx.Err()
		case <-time.After(min(pollInterval, time.Until(until))):
		}
	}
}

// ready returns an error while the build cannot get tasks.
func (v *Versions) ready(ctx context.Context, c Change, now state) error {
	if c.Build != Unversioned && !slices.Contains(now.builds(), c.Build) {
		return &Unknown{Deployment: v.deployment, Build: c.Build, Known: now.builds()}
	}
	if c.Force || c.settled(now) || c.Ramp && c.Percent == 0 || !c.Ramp && c.isCurrent(now) {
		return nil
	}
	missing, err := v.missing(ctx, c.Build, now.current())
	if err != nil || len(missing) == 0 {
		return err
	}
	return &Missing{Build: c.Build, Queues: missing}
}

// missing returns the queues that have work or workers, and none of build: those of the
// current version or, after workers without a version, those that build has ever served.
// Others stay with workers without a version.
func (v *Versions) missing(ctx context.Context, build, current string) ([]string, error) {
	from := current
	if current == Unversioned {
		from = build
	}
	queues, err := v.queuesOf(ctx, from)
	if err != nil {
		return nil, err
	}
	var none []string
	served := false
	for _, q := range queues {
		s, err := v.look(ctx, q)
		if err != nil {
			return nil, err
		}
		all := 0
		for _, n := range s.pollers {
			all += n
		}
		switch {
		case s.pollers[build] > 0:
			served = true
		case all > 0 || s.backlog > 0:
			none = append(none, q.name+" ("+q.tasks()+" tasks)")
		}
	}
	if len(none) == 0 && !served {
		none = []string{"any queue"}
	}
	return none, nil
}

func (v *Versions) setCurrent(ctx context.Context, c Change, now state) error {
	if c.isCurrent(now) {
		return nil // only a ramp is ended
	}
	return patiently(ctx, func() error {
		_, err := v.client.WorkflowService().SetWorkerDeploymentCurrentVersion(ctx, &workflowservice.SetWorkerDeploymentCurrentVersionRequest{
			Namespace: v.namespace, DeploymentName: v.deployment, BuildId: c.Build, ConflictToken: now.token, Identity: c.By,
			// What is missing was looked at, by stricter rules: Temporal passes over queues without work.
			IgnoreMissingTaskQueues: true,
		})
		return err
	})
}

func (v *Versions) ramp(ctx context.Context, c Change, now state) error {
	build := c.Build
	if c.Percent == 0 {
		build = Unversioned // with 0 %: nothing ramps
	}
	return patiently(ctx, func() error {
		_, err := v.client.WorkflowService().SetWorkerDeploymentRampingVersion(ctx, &workflowservice.SetWorkerDeploymentRampingVersionRequest{
			Namespace: v.namespace, DeploymentName: v.deployment, BuildId: build, Percentage: float32(c.Percent), ConflictToken: now.token, Identity: c.By,
			IgnoreMissingTaskQueues: true,
		})
		return err
	})
}

// endRamp ends what ramps beside a build that became current: Temporal leaves its share to
// every other build, whether workers of it run or not.
func (v *Versions) endRamp(ctx context.Context, c Change) error {
	now, err := v.describe(ctx)
	if err != nil || !now.ramps() {
		return err
	}
	return fault("ending the ramp", v.ramp(ctx, Change{Ramp: true, By: c.By}, now))
}

// refused returns the error for a change that Temporal does not make; nil if it has made it:
// the answer to an earlier try was lost.
func (v *Versions) refused(ctx context.Context, c Change, before state, err error) error {
	now, lookErr := v.describe(ctx)
	switch {
	case lookErr != nil || string(now.token) == string(before.token):
		return fmt.Errorf("the change is refused by Temporal: %w", err)
	case c.settled(now) && now.GetLastModifierIdentity() == c.By:
		return nil
	default:
		return &Conflict{By: now.GetLastModifierIdentity(), Current: now.current()}
	}
}

// toldWithin bounds the wait until every queue knows a change.
const toldWithin = time.Minute

// awaitTold returns once every partition of every queue routes tasks by the change; at
// once for a forced one, which queues that no worker serves may never confirm.
func (v *Versions) awaitTold(ctx context.Context, c Change) error {
	if c.Force {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, toldWithin)
	defer cancel()
	for {
		now, err := v.describe(bounded)
		if err == nil && now.GetRoutingConfigUpdateState() != enumspb.ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS {
			return nil
		}
		select {
		case <-bounded.Done():
			return errors.Join(errors.New("the change is made, and not known to every queue yet"), err, ctx.Err())
		case <-time.After(pollInterval / 5):
		}
	}
}
