package worker

import (
	"context"
	"sync"

	"orak/workflows"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
)

// localSlots is the name under which the local activities of workflows.QueuePipeline are
// counted. They have as many slots as its other ones.
const localSlots = workflows.QueuePipeline + "-local"

// occupancy is a worker interceptor that counts running activities by task queue.
type occupancy struct {
	interceptor.WorkerInterceptorBase
	running *prometheus.GaugeVec
	slots   *prometheus.GaugeVec

	mu    sync.Mutex
	sizes map[string]int
}

// size notes the number of slots of a queue, and returns the one before.
func (o *occupancy) size(queue string, n int) (before int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before, o.sizes[queue] = o.sizes[queue], n
	o.slots.WithLabelValues(queue).Set(float64(n))
	return before
}

func newOccupancy(cfg Config, reg prometheus.Registerer) *occupancy {
	f := promauto.With(reg)
	slots := f.NewGaugeVec(prometheus.GaugeOpts{Name: "orak_activity_slots", Help: "Maximum number of concurrent activities of a task queue in this process."}, []string{"queue"})
	for queue, n := range cfg.slots() {
		slots.WithLabelValues(queue).Set(float64(n))
	}
	if n, ok := cfg.slots()[workflows.QueuePipeline]; ok {
		slots.WithLabelValues(localSlots).Set(float64(n))
	}
	return &occupancy{slots: slots, sizes: cfg.slots(), running: f.NewGaugeVec(prometheus.GaugeOpts{Name: "orak_activity_used_slots", Help: "Activities of a task queue that are running in this process."}, []string{"queue"})}
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (o *occupancy) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	in := &occupying{running: o.running}
	in.Next = next
	return in
}

type occupying struct {
	interceptor.ActivityInboundInterceptorBase
	running *prometheus.GaugeVec
}

// ExecuteActivity implements interceptor.ActivityInboundInterceptor.
func (o *occupying) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	queue := activity.GetInfo(ctx).TaskQueue
	if activity.GetInfo(ctx).IsLocalActivity {
		queue = localSlots
	}
	running := o.running.WithLabelValues(queue)
	running.Inc()
	defer running.Dec()
	return o.Next.ExecuteActivity(ctx, in)
}
