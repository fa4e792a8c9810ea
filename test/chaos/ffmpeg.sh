#!/bin/sh
# Runs ffmpeg, except for a file that begins with the mark of crash.wav: there it is
# killed by the kernel, a fault that looks like the machine's and that no retry
# cures. The fence forbids signals, so it uses up its limit of one second of
# processor time.
for arg; do
	case $arg in
	file:*) head -c 4096 "${arg#file:}" 2>/dev/null | grep -aq ORAK-CHAOS-CRASH && ulimit -t 1 && while :; do :; done ;;
	esac
done
exec ffmpeg "$@"
