// Command kafka runs a real Apache Kafka broker on loopback, for as long as
// one command needs it:
//
//	go run ./deploy/kafka -- go test ./test/e2e     # the command sees ORAK_KAFKA_BROKERS
//	go run ./deploy/kafka                           # until Ctrl-C
//
// The broker is the one that docker-compose.yml runs, in the same mode
// (KRaft, one node is broker and controller) and of the same version; but
// Maven fetches its jars, once, into bin/. It needs Java 17 or newer and Maven,
// and says so if either is missing.
//
//	pom.xml ──mvn──► bin/kafka-<version>/*.jar
//	                      │ format, start, wait for an answer to a real request
//	free ports ──► server.properties in a temporary folder ──► java kafka.Kafka
//	                                                              │ ORAK_KAFKA_BROKERS
//	                                                           COMMAND
//
// Everything that the broker writes is in one temporary folder, which is removed
// when it has stopped.
package main
