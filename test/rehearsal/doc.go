// Package rehearsal tests the deployment of docker-compose.yml, as `task test:rehearse`
// runs it: an upload completes, what is killed comes back, and Kafka keeps records
// on several brokers. What happens to uploads meanwhile is the matter of test/chaos
// and test/outage, which run on a rehearsal, too.
package rehearsal
