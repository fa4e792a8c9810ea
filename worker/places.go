package worker

import (
	"context"
	"slices"
	"sync"
	"time"

	sdkworker "go.temporal.io/sdk/worker"

	"orak"
	"orak/activities"
)

// places is a semaphore whose size can change while it is used. First come, first
// served. A smaller size is reached as those inside leave.
type places struct {
	mu   sync.Mutex
	size int
	held int
	// alone says that one holds all places, of any size.
	alone   bool
	waiting []*placeWaiter
}

type placeWaiter struct {
	alone bool
	// admitted is closed when the place is held.
	admitted chan struct{}
}

func newPlaces(size int) *places { return &places{size: size} }

// acquire waits for a place, or for all of them if alone, until ctx ends.
func (p *places) acquire(ctx context.Context, alone bool) error {
	w := &placeWaiter{alone: alone, admitted: make(chan struct{})}
	p.mu.Lock()
	p.waiting = append(p.waiting, w)
	p.admit()
	p.mu.Unlock()
	select {
	case <-w.admitted:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.waiting, w); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
		p.admit() // it may have held others back
		return ctx.Err()
	}
	p.leave() // admitted meanwhile
	return ctx.Err()
}

func (p *places) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leave()
}

func (p *places) leave() {
	p.held--
	p.alone = false
	p.admit()
}

// admit lets in whom there is room for; it is called under mu.
func (p *places) admit() {
	for len(p.waiting) > 0 && !p.alone {
		w := p.waiting[0]
		if p.held >= p.size || w.alone && p.held > 0 {
			return
		}
		p.held++
		p.alone = w.alone
		close(w.admitted)
		p.waiting = slices.Delete(p.waiting, 0, 1)
	}
}

func (p *places) resize(size int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size = size
	p.admit()
}

// count returns the size and how many places are held.
func (p *places) count() (size, held int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size, p.held
}

// convertSlots admits conversions. A slot is held from before a task is polled for; a
// place while its conversion runs, so that a smaller number also holds for the tasks
// that were polled for before.
type convertSlots struct{ slots, running *places }

var _ sdkworker.SlotSupplier = convertSlots{}

func newConvertSlots(n int) convertSlots { return convertSlots{newPlaces(n), newPlaces(n)} }

func (c convertSlots) resize(n int) {
	c.slots.resize(n)
	c.running.resize(n)
}

// ReserveSlot implements worker.SlotSupplier.
func (c convertSlots) ReserveSlot(ctx context.Context, _ sdkworker.SlotReservationInfo) (*sdkworker.SlotPermit, error) {
	if err := c.slots.acquire(ctx, false); err != nil {
		return nil, err
	}
	return &sdkworker.SlotPermit{}, nil
}

// TryReserveSlot implements worker.SlotSupplier. It serves eager tasks, which this
// queue does not take.
func (convertSlots) TryReserveSlot(sdkworker.SlotReservationInfo) *sdkworker.SlotPermit { return nil }

// MarkSlotUsed implements worker.SlotSupplier.
func (convertSlots) MarkSlotUsed(sdkworker.SlotMarkUsedInfo) {}

// ReleaseSlot implements worker.SlotSupplier.
func (c convertSlots) ReleaseSlot(sdkworker.SlotReleaseInfo) { c.slots.release() }

// MaxSlots implements worker.SlotSupplier.
func (c convertSlots) MaxSlots() int { size, _ := c.slots.count(); return size }

// placedConverter is a Converter that runs only where there is a place.
type placedConverter struct {
	activities.Converter
	running *places
}

// errBusy fails an attempt that has waited too long for a place. It is not counted.
var errBusy = &orak.Fault{Class: orak.ClassOverload, Message: "The conversion waits for a free place."}

// Convert implements activities.Converter. It waits for a quarter of the attempt's time
// at most: the rest is for the conversion.
func (c placedConverter) Convert(ctx context.Context, src, dst string, limits orak.Limits, progress func(float64)) (orak.Audio, error) {
	wait, cancel := ctx, func() {}
	if end, ok := ctx.Deadline(); ok {
		wait, cancel = context.WithTimeout(ctx, time.Until(end)/4)
	}
	defer cancel()
	if err := c.running.acquire(wait, false); err != nil {
		if ctx.Err() != nil {
			return orak.Audio{}, err
		}
		return orak.Audio{}, errBusy
	}
	defer c.running.release()
	return c.Converter.Convert(ctx, src, dst, limits, progress)
}

// tunerOf supplies the slots of a worker that runs only activities. It uses no others,
// but the SDK requires them.
func tunerOf(slots sdkworker.SlotSupplier) (sdkworker.WorkerTuner, error) {
	others, err := sdkworker.NewFixedSizeSlotSupplier(1)
	if err != nil {
		return nil, err
	}
	return sdkworker.NewCompositeTuner(sdkworker.CompositeTunerOptions{
		ActivitySlotSupplier: slots, WorkflowSlotSupplier: others, LocalActivitySlotSupplier: others,
		NexusSlotSupplier: others, SessionActivitySlotSupplier: others,
	})
}
