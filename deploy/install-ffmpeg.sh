#!/bin/sh
# Installs ffmpeg and ffprobe where they are missing, with the system's own
# package manager: apt-get, brew, dnf or apk. It says in one line what it
# does; where it cannot, it says what to type, and exits with 1.
# Does nothing, quickly, when both are there. Safe to run again.
set -eu

# Where this machine has ffmpeg and ffprobe: 0.
present() {
	command -v ffmpeg >/dev/null 2>&1 && command -v ffprobe >/dev/null 2>&1
}

# Prints why it stops, with the command that helps, and stops.
give_up() {
	printf 'orak needs ffmpeg and ffprobe: %s\n' "$1" >&2
	exit 1
}

# Runs the command $1 as root, by the shell.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		printf 'ffmpeg is missing; installing it: %s\n' "$1"
		sh -c "$1" || give_up "the installation failed; see above, then type: $1"
	elif command -v sudo >/dev/null 2>&1; then
		by_hand="sudo sh -c '$1'"
		printf 'ffmpeg is missing; installing it: %s\n' "$by_hand"
		if [ -t 0 ]; then
			sudo sh -c "$1" || give_up "the installation failed; see above, then type: $by_hand"
		else
			# Nobody is there to type a password: fail rather than wait.
			sudo -n sh -c "$1" || give_up "the installation failed; type: $by_hand"
		fi
	else
		give_up "as root, type: $1"
	fi
}

present && exit 0

if command -v apt-get >/dev/null 2>&1; then
	as_root 'apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends ffmpeg'
elif command -v brew >/dev/null 2>&1; then
	# Homebrew refuses to run as root, and needs no sudo.
	printf 'ffmpeg is missing; installing it: brew install ffmpeg\n'
	brew install ffmpeg || give_up 'the installation failed; type: brew install ffmpeg'
elif command -v dnf >/dev/null 2>&1; then
	# Fedora's own build has another name than that of RPM Fusion.
	as_root 'dnf install -y ffmpeg || dnf install -y ffmpeg-free'
elif command -v apk >/dev/null 2>&1; then
	as_root 'apk add ffmpeg'
else
	give_up 'no apt-get, brew, dnf or apk here; install them from https://ffmpeg.org/download.html and put them in PATH'
fi

present || give_up 'they were installed but are not in PATH; open a new shell, or add their folder to PATH'
