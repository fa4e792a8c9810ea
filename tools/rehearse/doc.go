// Command rehearse runs what docker-compose.yml describes as processes of this
// machine, without a container engine: the same programs, commands, environment,
// order of start, health checks and restarts.
//
//	rehearse                    # until Ctrl-C
//	rehearse -- COMMAND ARG…    # for as long as a command runs, with its exit status
//	rehearse --list             # what would run, and where
//
// Each service gets a loopback address of its own, so that it keeps the ports of the
// file. What a container would have by other means is translated:
//
//	docker-compose.yml ──compose-go──► services ──translate──► processes
//	  host names, 0.0.0.0, localhost     → the services' addresses (127.30.N.M), or those
//	                                       of their network namespaces (network.go)
//	  volumes, tmpfs, mounts             → folders below --data
//	  ports                              → TCP forwards of this process
//	  image and entrypoint               → a program of this machine (programs.go)
//	  health check                       → the same question, asked from here (probe.go)
//	  restart, depends_on, stop_grace_period → as Docker does them (supervise.go)
//
// A command finds the state of the rehearsal in the file that ORAK_REHEARSAL names (Rehearsal
// describes it), and the settings with which orak's commands reach it in its environment.
package main
